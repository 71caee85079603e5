# One static library per floor of the house; each links only the floors below it.
function(edgeopt_layer name)
  cmake_parse_arguments(LAYER "" "" "FOLDERS;USES" ${ARGN})
  set(sources "")
  foreach(folder IN LISTS LAYER_FOLDERS)
    file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.cpp")
    list(FILTER files EXCLUDE REGEX "/tools/main\\.cpp$")  # the program's, below
    list(APPEND sources ${files})
  endforeach()
  add_library(edgeopt_${name} STATIC ${sources})
  target_include_directories(edgeopt_${name} PUBLIC "${PROJECT_SOURCE_DIR}")
  # g++ 12 warns of every designated initializer that leaves a member to its default, which is their point.
  target_compile_options(edgeopt_${name} PUBLIC -Wall -Wextra -Wpedantic -Wno-missing-field-initializers)
  if(EDGEOPT_WERROR)
    target_compile_options(edgeopt_${name} PUBLIC -Werror)
  endif()
  target_link_libraries(edgeopt_${name} PUBLIC ${LAYER_USES})
endfunction()

edgeopt_layer(support FOLDERS support USES fmt::fmt OpenSSL::Crypto OpenMP::OpenMP_CXX Threads::Threads)

edgeopt_layer(ir FOLDERS ir ir/ops ir/rules ir/gradient ir/quantization ir/onnx USES edgeopt_support)
target_compile_definitions(edgeopt_ir PRIVATE ONNX_ML=1 ONNX_NAMESPACE=onnx)
target_link_libraries(edgeopt_ir PRIVATE onnx onnx_proto protobuf::libprotobuf)
edgeopt_registry(TARGET edgeopt_ir KIND op TYPE OpDefinition HEADER ir/op.h LIST all_ops FOLDERS ir/ops)

edgeopt_layer(hwprofiles FOLDERS hwprofiles USES edgeopt_ir)
target_link_libraries(edgeopt_hwprofiles PRIVATE PkgConfig::TOMLPLUSPLUS)
edgeopt_built_in_profiles(edgeopt_hwprofiles)

edgeopt_layer(runtime FOLDERS runtime runtime/kernels runtime/kernels/onednn USES edgeopt_ir)
target_link_libraries(edgeopt_runtime PRIVATE DNNL::dnnl Eigen3::Eigen)
# Kernels' loops are to be vectorized in every build. Contraction (a * b + c rounded once) would make the fast kernels
# round otherwise than the slow definitions; that floating-point operations trap or set errno is nobody's wish.
file(GLOB kernel_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/runtime/kernels/*.cpp")
set_source_files_properties(${kernel_sources} runtime/reorder.cpp runtime/strided_copy.cpp PROPERTIES COMPILE_OPTIONS
  "-O3;-fno-math-errno;-fno-trapping-math;-ffp-contract=off")
edgeopt_registry(TARGET edgeopt_runtime KIND kernel TYPE Kernel HEADER runtime/kernel.h LIST all_kernels
  FOLDERS runtime/kernels)

edgeopt_layer(calibration FOLDERS calibration calibration/samples calibration/ranges calibration/layers calibration/rounding
  calibration/equalization calibration/pruning calibration/sparsity calibration/training USES edgeopt_runtime edgeopt_hwprofiles)
target_link_libraries(edgeopt_calibration PRIVATE PkgConfig::LIBZIP PkgConfig::TOMLPLUSPLUS JPEG::JPEG PNG::PNG
  nlohmann_json::nlohmann_json Eigen3::Eigen)

# Threads run over samples; a product that Eigen splits would depend on their number.
target_compile_definitions(edgeopt_calibration PRIVATE EIGEN_DONT_PARALLELIZE)
# Linear algebra is unbearable without optimization, in any build.
set_source_files_properties(calibration/layers/normal_equations.cpp calibration/pruning/reconstruction.cpp calibration/pruning/repair.cpp
  calibration/layers/weighted_layer.cpp PROPERTIES COMPILE_OPTIONS "-O3")

edgeopt_layer(passes FOLDERS passes passes/framework passes/convert passes/simplify passes/fuse passes/quantize
  passes/opsets passes/prune USES edgeopt_ir edgeopt_hwprofiles)
edgeopt_registry(TARGET edgeopt_passes KIND pass TYPE Pass HEADER passes/framework/pass.h LIST all_passes
  FOLDERS passes/convert passes/simplify passes/fuse passes/quantize)

edgeopt_layer(recipes FOLDERS recipes USES edgeopt_calibration edgeopt_passes)
edgeopt_layer(reports FOLDERS reports USES edgeopt_recipes)
target_link_libraries(edgeopt_reports PRIVATE nlohmann_json::nlohmann_json)

edgeopt_layer(tools FOLDERS tools tools/commands USES edgeopt_reports)
edgeopt_registry(TARGET edgeopt_tools KIND command TYPE Command HEADER tools/command.h LIST all_commands
  FOLDERS tools/commands)
target_link_libraries(edgeopt_tools PUBLIC CLI11::CLI11 PRIVATE nlohmann_json::nlohmann_json)
include(cmake/library_versions.cmake)
target_compile_definitions(edgeopt_reports PRIVATE EDGEOPT_VERSION="${PROJECT_VERSION}"
  EDGEOPT_LIBRARY_VERSIONS="${EDGEOPT_LIBRARY_VERSIONS}")
target_compile_definitions(edgeopt_tools PRIVATE EDGEOPT_VERSION="${PROJECT_VERSION}")

add_executable(edgeopt tools/main.cpp)
target_link_libraries(edgeopt PRIVATE edgeopt_tools)
set_target_properties(edgeopt PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
