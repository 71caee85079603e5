// A Report as files: report.json (docs/report.schema.json says what is in it), report.html and summary.md for
// people.
#pragma once
#include <filesystem>
#include <string>

#include "reports/report.h"

namespace edgeopt {

/// The version of report.json's layout; a field that changes its meaning or disappears raises the first
/// number.
inline constexpr const char* report_schema_version = "1.4";

std::string report_to_json(const Report& report);
/// What a terminal shows: the summary's figures without its provenance.
std::string report_to_text(const Report& report);

/// Writes report.json, report.html and summary.md into the folder, made if missing.
/// throws  UserError if it cannot be written
void write_report(const Report& report, const std::filesystem::path& folder);

/// Makes the report's folder, or fails early, before minutes of work. throws UserError
void require_report_folder(const std::filesystem::path& folder);

/// "1.23 MB": powers of 1000.
std::string human_bytes(std::uint64_t bytes);

}  // namespace edgeopt
