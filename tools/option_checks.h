// What options may be and which of them go together: checks that a declaration names, each with one sentence.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace edgeopt {

/// One of these words; the error suggests the nearest.
CLI::Validator one_of(std::vector<std::string> words);
/// Finite and above 0.
CLI::Validator positive_number();
/// Finite and not below 0.
CLI::Validator number_not_below_zero();
/// low <= number <= high; NaN is none.
CLI::Validator number_between(double low, double high);
/// No sign in front, which unsigned numbers would wrap around.
CLI::Validator unsigned_number();
/// "500MB", "0.5 GiB" or a plain number, rewritten as a number of bytes.
CLI::Validator size_in_bytes();

/// Of `app`, in the order of their declaration: the options of this group (Option::group).
std::vector<std::string> options_of_group(const CLI::App& app, const std::string& group);
/// Options that change nothing without the option `needed` are refused there. All must be declared.
void require_with(CLI::App& app, const std::vector<std::string>& names, const std::string& needed);

/// Runs `check`, which throws UserError, once all options are read and none is misspelt. One per command.
void check_together(CLI::App& app, std::function<void()> check);
bool is_given(const CLI::App& app, const std::string& name);
/// throws  UserError "NAME: SENTENCE" for the first of these options that is given
void refuse_given(const CLI::App& app, const std::vector<std::string>& names, const std::string& sentence);

/// Whether both paths lead to the same file, which need not exist.
bool is_same_file(const std::string& a, const std::string& b);
/// throws  UserError where --json or --checkpoint would overwrite another file of the command line
void refuse_overwriting(const CLI::App& app);

}  // namespace edgeopt
