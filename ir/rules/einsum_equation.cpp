// "...ij,...jk->...ik" with ranks 4 and 3 becomes {"01ij", "1jk"} -> "01ik".
#include "ir/rules/einsum_equation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "support/error.h"

namespace edgeopt {
namespace {

constexpr std::size_t most_ellipsis_axes = 10;  // one digit each
constexpr std::string_view ellipsis = "...";

std::string without_spaces(std::string_view text) {
  std::string result;
  for (const char c : text)
    if (c != ' ') result += c;
  return result;
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> terms(1);
  for (const char c : text) {
    if (c == ',')
      terms.emplace_back();
    else
      terms.back() += c;
  }
  return terms;
}

// How many axes the term's ellipsis stands for.
std::size_t ellipsis_size(const std::string& term, std::size_t rank) {
  const bool has_ellipsis = term.find(ellipsis) != std::string::npos;
  const std::size_t letters = term.size() - (has_ellipsis ? ellipsis.size() : 0);
  if (letters > rank || (!has_ellipsis && letters != rank))
    throw UserError(fmt::format("the Einsum term '{}' does not fit an operand of {} dims", term, rank));
  return rank - letters;
}

// The last `size` of the digits 0 .. widest - 1 in place of the ellipsis.
std::string with_digits(std::string term, std::size_t size, std::size_t widest) {
  const std::size_t position = term.find(ellipsis);
  if (position == std::string::npos) return term;
  std::string digits;
  for (std::size_t i = widest - size; i < widest; ++i) digits += static_cast<char>('0' + i);
  return term.replace(position, ellipsis.size(), digits);
}

void require_letters(const std::string& term) {
  for (const char c : term)
    if (!std::isalnum(static_cast<unsigned char>(c)))
      throw UserError(fmt::format("the Einsum term '{}' holds '{}', which is no axis letter", term, c));
}

std::string implicit_output(const std::vector<std::string>& inputs) {
  std::string all;
  for (const std::string& term : inputs) all += term;
  std::string output;
  for (const char c : all) {
    const bool is_digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    if (is_digit ? output.find(c) == std::string::npos : std::ranges::count(all, c) == 1) output += c;
  }
  std::ranges::sort(output);  // digits sort before letters: the ellipsis comes first
  return output;
}

}  // namespace

EinsumEquation parse_einsum(std::string_view equation, const std::vector<std::size_t>& ranks) {
  const std::string text = without_spaces(equation);
  const std::size_t arrow = text.find("->");
  EinsumEquation result{.inputs = split_at_commas(text.substr(0, arrow))};
  if (result.inputs.size() != ranks.size())
    throw UserError(fmt::format("the Einsum equation '{}' has {} terms for {} operands", text,
                                result.inputs.size(), ranks.size()));
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < ranks.size(); ++i) sizes.push_back(ellipsis_size(result.inputs[i], ranks[i]));
  const std::size_t widest = std::ranges::max(sizes);
  if (widest > most_ellipsis_axes) throw UserError("an Einsum ellipsis stands for more than 10 dims");
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    result.inputs[i] = with_digits(result.inputs[i], sizes[i], widest);
    require_letters(result.inputs[i]);
  }
  result.output = arrow == std::string::npos ? implicit_output(result.inputs)
                                             : with_digits(text.substr(arrow + 2), widest, widest);
  require_letters(result.output);
  return result;
}

}  // namespace edgeopt
