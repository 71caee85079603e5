// TypeProto -> ValueType and back. Tensor types are modelled; sequences, maps, optionals and sparse tensors
// stay opaque.
#include "ir/infer.h"
#include "ir/onnx/protos.h"

namespace edgeopt {
namespace {

Dim take_dim(onnx::TensorShapeProto::Dimension& proto) {
  Dim dim;
  // Some exporters write -1 for a dim that they do not know.
  if (proto.has_dim_value() && proto.dim_value() >= 0) dim.size = proto.dim_value();
  if (proto.has_dim_param()) dim.symbol = proto.dim_param();
  proto.clear_value();
  return dim;
}

Shape take_shape(onnx::TypeProto::Tensor& tensor) {
  Shape shape;
  bool is_all_taken = true;
  for (auto& dim : *tensor.mutable_shape()->mutable_dim()) {
    shape.push_back(take_dim(dim));
    is_all_taken = is_all_taken && dim.ByteSizeLong() == 0;
  }
  if (is_all_taken) tensor.mutable_shape()->clear_dim();
  if (tensor.shape().ByteSizeLong() == 0) tensor.clear_shape();
  require_sensible(shape);
  return shape;
}

void write_shape(onnx::TensorShapeProto& proto, const Shape& shape) {
  // Denotations belong to the dims that they were read with.
  if (proto.dim_size() != static_cast<int>(shape.size())) proto.clear_dim();
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const int at = static_cast<int>(i);
    onnx::TensorShapeProto::Dimension& dim =
        at < proto.dim_size() ? *proto.mutable_dim(at) : *proto.add_dim();
    if (shape[i].is_number()) dim.set_dim_value(shape[i].size);
    if (shape[i].is_symbol()) dim.set_dim_param(shape[i].symbol);
  }
}

}  // namespace

ValueType take_type(onnx::TypeProto& proto) {
  if (!proto.has_tensor_type()) return {.opaque = rest_of(proto)};
  ValueType type;
  onnx::TypeProto::Tensor& tensor = *proto.mutable_tensor_type();
  type.dtype = static_cast<DataType>(tensor.elem_type());
  if (type.dtype != DataType::undefined) tensor.clear_elem_type();
  if (tensor.has_shape()) type.shape = take_shape(tensor);
  // A tensor type that says nothing is not the same as no type.
  const bool says_something = type.dtype != DataType::undefined || type.shape;
  if (says_something && tensor.ByteSizeLong() == 0) proto.clear_tensor_type();
  type.unknown_fields = rest_of(proto);
  return type;
}

void write_type(onnx::TypeProto& proto, const ValueType& type) {
  if (!type.is_tensor()) {
    restore(proto, type.opaque);
    return;
  }
  restore(proto, type.unknown_fields);
  if (type.dtype != DataType::undefined)
    proto.mutable_tensor_type()->set_elem_type(static_cast<std::int32_t>(type.dtype));
  if (type.shape) write_shape(*proto.mutable_tensor_type()->mutable_shape(), *type.shape);
}

}  // namespace edgeopt
