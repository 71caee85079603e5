# Builds every hwprofiles/*.toml into the program: a new file is a new `--profile`.
function(edgeopt_built_in_profiles target)
  file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/hwprofiles/*.toml")
  list(SORT files)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(entries "")
  foreach(file IN LISTS files)
    get_filename_component(name "${file}" NAME_WE)
    file(READ "${file}" text)
    string(APPEND entries "    {\"${name}\", R\"toml(${text})toml\"},\n")
  endforeach()
  set(generated "${PROJECT_BINARY_DIR}/generated/built_in_profiles.cpp")
  file(CONFIGURE OUTPUT "${generated}" @ONLY CONTENT "// Generated from hwprofiles/*.toml.
#include \"hwprofiles/built_in.h\"

namespace edgeopt {

const std::vector<BuiltInProfile>& built_in_profiles() {
  static const std::vector<BuiltInProfile> list = {
${entries}  };
  return list;
}

}  // namespace edgeopt
")
  target_sources(${target} PRIVATE "${generated}")
endfunction()
