# Turns the files of a folder into a list of what they define: a new file is a new entry, nothing else to edit.
#
#   edgeopt_registry(TARGET t KIND pass TYPE Pass HEADER passes/framework/pass.h LIST all_passes FOLDERS passes/simplify ...)
#
# declares `Pass <file>_pass()` for every <file>.cpp in the folders and defines `const std::vector<Pass>& all_passes()`.
# A file named <file>_table.cpp defines `std::vector<TYPE> <file>_table()` instead: many entries of one line each
# (no two tables may have one name, whatever their kinds: to the linker they would be one function).
# A file whose function is misnamed fails to link, with the name that it should have had.
function(edgeopt_registry)
  cmake_parse_arguments(REG "" "TARGET;KIND;TYPE;HEADER;LIST" "FOLDERS" ${ARGN})
  set(declarations "")
  set(entries "")
  foreach(folder IN LISTS REG_FOLDERS)
    file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.cpp")
    list(SORT files)
    foreach(file IN LISTS files)
      get_filename_component(name "${file}" NAME_WE)
      if(name MATCHES "_table$")
        string(APPEND declarations "std::vector<${REG_TYPE}> ${name}();\n")
        string(APPEND entries "    for (auto& entry : ${name}()) entries.push_back(std::move(entry));\n")
      else()
        string(APPEND declarations "${REG_TYPE} ${name}_${REG_KIND}();\n")
        string(APPEND entries "    entries.push_back(${name}_${REG_KIND}());\n")
      endif()
    endforeach()
  endforeach()
  set(generated "${PROJECT_BINARY_DIR}/generated/${REG_LIST}.cpp")
  file(CONFIGURE OUTPUT "${generated}" @ONLY CONTENT "// Generated from the folders: ${REG_FOLDERS}.
#include \"${REG_HEADER}\"

#include <utility>
#include <vector>

namespace edgeopt {

${declarations}
const std::vector<${REG_TYPE}>& ${REG_LIST}() {
  static const std::vector<${REG_TYPE}> list = [] {
    std::vector<${REG_TYPE}> entries;
${entries}    return entries;
  }();
  return list;
}

}  // namespace edgeopt
")
  target_sources(${REG_TARGET} PRIVATE "${generated}")
endfunction()
