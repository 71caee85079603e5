// The profiles of this folder, built into the program; the list is generated from the .toml files.
#pragma once
#include <string_view>
#include <vector>

namespace edgeopt {

struct BuiltInProfile {
  std::string_view name;  // the file's name
  std::string_view text;
};
const std::vector<BuiltInProfile>& built_in_profiles();

}  // namespace edgeopt
