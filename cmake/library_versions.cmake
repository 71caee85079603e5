# What the build found, for the provenance in reports: "protobuf 3.21.12;oneDNN 2.6.3;..."
set(dnnl_version "unknown")
if(EXISTS "${DNNL_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h")
  set(parts "")
  foreach(part MAJOR MINOR PATCH)
    file(STRINGS "${DNNL_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h" line REGEX "DNNL_VERSION_${part} +[0-9]+")
    string(REGEX REPLACE ".*DNNL_VERSION_${part} +([0-9]+).*" "\\1" number "${line}")
    list(APPEND parts "${number}")
  endforeach()
  list(JOIN parts "." dnnl_version)
endif()
set(EDGEOPT_LIBRARY_VERSIONS "oneDNN ${dnnl_version}" "protobuf ${Protobuf_VERSION}" "Eigen ${Eigen3_VERSION}"
  "fmt ${fmt_VERSION}" "nlohmann-json ${nlohmann_json_VERSION}" "libzip ${LIBZIP_VERSION}"
  "libjpeg ${JPEG_VERSION}" "libpng ${PNG_VERSION_STRING}" "OpenSSL ${OPENSSL_VERSION}" "CLI11 ${CLI11_VERSION}")
# A semicolon would split the compile definition.
list(JOIN EDGEOPT_LIBRARY_VERSIONS "|" EDGEOPT_LIBRARY_VERSIONS)
