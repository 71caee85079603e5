// The terminal: colour and a progress bar when a person watches, plain text when it goes to a file.
#pragma once
#include <cstdio>
#include <string>
#include <string_view>

#include "support/progress.h"

namespace edgeopt {

/// True if `stream` is a terminal on which colour is welcome: not TERM=dumb, and NO_COLOR is not set
/// (https://no-color.org).
bool takes_colour(std::FILE* stream);

/// Prints one line to standard error: "edgeopt: <text>".
void print_error(std::string_view text);
void print_warning(std::string_view text);

/// Prints to standard output; headings (lines that end with a colon at the margin) are bold on a terminal.
/// throws  UserError if standard output cannot be written
void print_answer(std::string_view text);

/// A bar on standard error that appears once the work has taken a second; nothing if standard error is not a
/// terminal.
Progress progress_bar();

/// Removes the bar, so that the next line starts at the margin.
void clear_progress_bar();

}  // namespace edgeopt
