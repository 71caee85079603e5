// "Did you mean ...?" for words that are nearly right.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace edgeopt {

/// The candidate with the fewest edits (insert, delete, replace, swap of neighbours) to `word`; "" if none is
/// near: more than a third of the word's letters would change.
/// source  optimal string alignment: Damerau, CACM 7(3), 1964
std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

/// "; did you mean 'x'?", or "" if nothing is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace edgeopt
