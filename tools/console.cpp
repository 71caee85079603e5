// The terminal: colour and a progress bar when a person watches, plain text when it goes to a file.
#include "tools/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>

#include "support/error.h"

namespace edgeopt {
namespace {

constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view red = "\x1b[1;31m";
constexpr std::string_view yellow = "\x1b[1;33m";
constexpr std::string_view plain = "\x1b[0m";

bool bar_is_shown = false;

std::string in_colour(std::string_view text, std::string_view colour, std::FILE* stream) {
  return takes_colour(stream) ? fmt::format("{}{}{}", colour, text, plain) : std::string(text);
}

// An error is one line, whatever a file name or a library put into it.
std::string on_one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return line;
}

void write_all(std::FILE* stream, std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stream) != text.size() || std::fflush(stream) != 0)
    throw UserError(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

std::string with_bold_headings(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const bool is_heading = !line.empty() && line.front() != ' ' && line.back() == ':';
    result += is_heading ? fmt::format("{}{}{}", bold, line, plain) : std::string(line);
    if (end < text.size()) result += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

class Bar {
 public:
  void show(std::string_view activity, std::int64_t done, std::int64_t total) {
    const Clock::time_point now = Clock::now();
    if (activity != activity_) {
      activity_ = activity;
      started_ = now;
    }
    if (now - started_ < std::chrono::seconds(1) || now - drawn_ < std::chrono::milliseconds(100)) return;
    drawn_ = now;
    const double fraction = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0;
    const auto filled = static_cast<std::size_t>(std::clamp(fraction, 0.0, 1.0) * 30);
    fmt::print(stderr, "\r\x1b[K{} [{}{}] {}/{}", activity, std::string(filled, '#'),
               std::string(30 - filled, ' '), done, total);
    std::fflush(stderr);
    bar_is_shown = true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::string activity_;
  Clock::time_point started_{};
  Clock::time_point drawn_{};
};

}  // namespace

bool takes_colour(std::FILE* stream) {
  const char* terminal = std::getenv("TERM");
  const char* refused = std::getenv("NO_COLOR");
  return isatty(fileno(stream)) && terminal && std::strcmp(terminal, "dumb") != 0 && !(refused && *refused);
}

void print_error(std::string_view text) {
  clear_progress_bar();
  fmt::print(stderr, "{} {}\n", in_colour("edgeopt:", red, stderr), on_one_line(text));
}

void print_warning(std::string_view text) {
  clear_progress_bar();
  fmt::print(stderr, "{} {}\n", in_colour("edgeopt: warning:", yellow, stderr), on_one_line(text));
}

void print_answer(std::string_view text) {
  clear_progress_bar();
  write_all(stdout, takes_colour(stdout) ? with_bold_headings(text) : std::string(text));
}

Progress progress_bar() {
  if (!isatty(fileno(stderr))) return {};
  return [bar = Bar()](std::string_view activity, std::int64_t done, std::int64_t total) mutable {
    bar.show(activity, done, total);
  };
}

void clear_progress_bar() {
  if (!bar_is_shown) return;
  fmt::print(stderr, "\r\x1b[K");
  bar_is_shown = false;
}

}  // namespace edgeopt
