// A Report as files in a folder.
#include "reports/write.h"

#include <fmt/format.h>

#include "reports/summary.h"
#include "support/error.h"
#include "support/file.h"

namespace edgeopt {

namespace fs = std::filesystem;

void require_report_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw UserError(fmt::format("cannot make the folder '{}': {}", folder.string(), error.message()));
  require_writable(folder / "report.json");
}

void write_report(const Report& report, const fs::path& folder) {
  require_report_folder(folder);
  write_file(folder / "report.json", report_to_json(report) + "\n");
  const Document summary = summary_of(report);
  write_file(folder / "report.html", to_html(summary));
  write_file(folder / "summary.md", to_markdown(summary));
}

std::string human_bytes(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  if (bytes < 1000000) return fmt::format("{:.1f} kB", value / 1e3);
  if (bytes < 1000000000) return fmt::format("{:.2f} MB", value / 1e6);
  return fmt::format("{:.2f} GB", value / 1e9);
}

}  // namespace edgeopt
