#include "reports/markup.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace edgeopt {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

// Bytes of the character that begins here, by the Unicode Standard's table 3-7 (well-formed UTF-8); 0 if none
// does.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  const std::uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  return length;
}

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
}

std::vector<std::string_view> characters_of(std::string_view text) {
  std::vector<std::string_view> characters;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    characters.push_back(length == 0 || is_control(text[0]) ? replacement : text.substr(0, length));
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return characters;
}

std::string_view entity_of(std::string_view character) {
  if (character == "&") return "&amp;";
  if (character == "<") return "&lt;";
  if (character == ">") return "&gt;";
  if (character == "\"") return "&quot;";
  if (character == "'") return "&#39;";
  return character;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const std::string_view character : characters_of(text)) escaped += entity_of(character);
  return escaped;
}

std::string shortened(std::string_view text, std::size_t longest) {
  const std::vector<std::string_view> characters = characters_of(text);
  std::string result;
  if (characters.size() <= longest) {
    for (const std::string_view character : characters) result += character;
    return result;
  }
  const std::size_t kept = std::max<std::size_t>(longest, 2) - 1;
  const std::size_t front = kept / 2;
  for (std::size_t i = 0; i < front; ++i) result += characters[i];
  result += "\xE2\x80\xA6";  // an ellipsis
  for (std::size_t i = characters.size() - (kept - front); i < characters.size(); ++i)
    result += characters[i];
  return result;
}

}  // namespace edgeopt
