#include "torch/exported/graph_reader.h"

#include <array>
#include <utility>

namespace tenon::torch::exported {
namespace {

using Kind = Argument::Kind;

constexpr int kMaxGraphDepth = 32;

// The kinds that lists hold, by the schema's name for the list.
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kLists = {
    {{"as_tensors", "tensor"},
     {"as_ints", "as_int"},
     {"as_floats", "as_float"},
     {"as_strings", "as_string"},
     {"as_bools", "as_bool"},
     {"as_sym_ints", "as_sym_int"},
     {"as_sym_floats", "as_sym_float"},
     {"as_sym_bools", "as_sym_bool"},
     {"as_optional_tensors", "as_optional_tensor"},
     {"as_nested_tensors", "as_tensors"},
     {"as_int_lists", "as_ints"},
     {"as_float_lists", "as_floats"},
     {"as_complexes", "as_complex"},
     {"as_operators", "as_operator"}}};

Kind element_kind(std::string_view list) {
  if (list == "as_tensors" || list == "as_optional_tensors") return Kind::tensor;
  if (list == "as_ints" || list == "as_sym_ints") return Kind::integer;
  if (list == "as_floats" || list == "as_sym_floats") return Kind::real;
  if (list == "as_bools" || list == "as_sym_bools") return Kind::boolean;
  return list == "as_strings" ? Kind::string : Kind::list;
}

Result<Argument> number_or_name(const Cursor& value, Kind symbolic) {
  const auto variant = TRY(value.variant());
  Argument out;
  if (variant.kind == "as_name") {
    out.kind = symbolic;
    out.text = TRY(variant.value.text());
  } else if (variant.kind == "as_int" && symbolic == Kind::sym_int) {
    out.kind = Kind::integer;
    out.integer = TRY(variant.value.integer());
  } else if (variant.kind == "as_float" && symbolic == Kind::sym_float) {
    out.kind = Kind::real;
    out.real = TRY(variant.value.real());
  } else if (variant.kind == "as_bool" && symbolic == Kind::sym_bool) {
    out.kind = Kind::boolean;
    out.integer = TRY(variant.value.boolean()) ? 1 : 0;
  } else {
    return value.error(fmt::format("\"{}\" is not known here", variant.kind));
  }
  return out;
}

Result<std::string> name_of(const Cursor& value) {
  // Optional tensors in lists were bare names up to PyTorch 2.3.
  if (const auto bare = value.text()) return std::string(*bare);
  const Cursor name = TRY(value.get("name"));
  return std::string(TRY(name.text()));
}

Result<std::string> device_of(const Cursor& json) {
  const Cursor type = TRY(json.get("type"));
  std::string out(TRY(type.text()));
  if (const auto index = json.find("index")) out += fmt::format(":{}", TRY(index->integer()));
  return out;
}

}  // namespace

DType dtype_of_schema(int64_t scalar_type) {
  switch (scalar_type) {
    case 1:
      return DType::u8;
    case 2:
      return DType::i8;
    case 3:
      return DType::i16;
    case 4:
      return DType::i32;
    case 5:
      return DType::i64;
    case 6:
      return DType::f16;
    case 7:
      return DType::f32;
    case 8:
      return DType::f64;
    case 10:
      return DType::c64;
    case 11:
      return DType::c128;
    case 12:
      return DType::boolean;
    case 13:
      return DType::bf16;
    case 28:
      return DType::u16;
    case 29:
      return DType::f8e4m3fn;
    case 30:
      return DType::f8e5m2;
    case 31:
      return DType::f8e4m3fnuz;
    case 32:
      return DType::f8e5m2fnuz;
    case 33:
      return DType::f8e8m0;
    case 34:
      return DType::u32;
    case 35:
      return DType::u64;
    default:
      return DType::undefined;
  }
}

Result<Argument> GraphReader::argument(const Cursor& json) {
  const auto variant = TRY(json.variant());
  return argument_of(variant.kind, variant.value);
}

Result<Argument> GraphReader::argument_of(std::string_view kind, const Cursor& value) {
  Argument out;
  for (const auto& [list, element] : kLists) {
    if (kind != list) continue;
    out.kind = Kind::list;
    out.element = element_kind(list);
    TRY(value.each([&](const Cursor& item) -> Status {
      out.items.push_back(TRY(argument_of(element, item)));
      return {};
    }));
    return out;
  }
  if (kind == "as_none") return out;
  if (kind == "as_tensor" || kind == "tensor") {
    out.kind = Kind::tensor;
    out.text = TRY(name_of(value));
  } else if (kind == "as_int") {
    out.kind = Kind::integer;
    out.integer = TRY(value.integer());
  } else if (kind == "as_float") {
    out.kind = Kind::real;
    out.real = TRY(value.real());
  } else if (kind == "as_bool") {
    out.kind = Kind::boolean;
    out.integer = TRY(value.boolean()) ? 1 : 0;
  } else if (kind == "as_string" || kind == "as_operator") {
    out.kind = kind == "as_string" ? Kind::string : Kind::operation;
    out.text = TRY(value.text());
  } else if (kind == "as_sym_int") {
    return number_or_name(value, Kind::sym_int);
  } else if (kind == "as_sym_float") {
    return number_or_name(value, Kind::sym_float);
  } else if (kind == "as_sym_bool") {
    return number_or_name(value, Kind::sym_bool);
  } else if (kind == "as_optional_tensor") {
    return argument(value);
  } else if (kind == "as_scalar_type") {
    out.kind = Kind::dtype;
    out.integer = TRY(value.integer());
    out.dtype = dtype_of_schema(out.integer);
  } else if (kind == "as_memory_format" || kind == "as_layout") {
    out.kind = kind == "as_layout" ? Kind::layout : Kind::memory_format;
    out.integer = TRY(value.integer());
    if (out.integer < 0 || out.integer > (out.kind == Kind::layout ? 7 : 4))
      return value.error("the number is not known");
  } else if (kind == "as_device") {
    out.kind = Kind::device;
    out.text = TRY(device_of(value));
  } else if (kind == "as_complex") {
    out.kind = Kind::complex;
    const Cursor real = TRY(value.get("real")), imaginary = TRY(value.get("imag"));
    out.real = TRY(real.real());
    out.imaginary = TRY(imaginary.real());
  } else if (kind == "as_graph") {
    out.kind = Kind::graph;
    out.text = TRY(name_of(value));
    const Cursor inner = TRY(value.get("graph"));
    out.graph = std::make_shared<const Graph>(TRY(graph(inner)));
  } else if (kind == "as_custom_obj") {
    out.kind = Kind::custom_object;
    out.text = TRY(name_of(value));
  } else if (kind == "as_string_to_argument") {
    out.kind = Kind::dict;
    TRY(value.each_field([&](std::string_view key, const Cursor& item) -> Status {
      out.keys.emplace_back(key);
      out.items.push_back(TRY(argument(item)));
      return {};
    }));
  } else {
    return value.error(fmt::format("arguments of the kind \"{}\" are not known", kind));
  }
  return out;
}

Result<SymInt> GraphReader::sym_int(const Cursor& json) {
  SymInt out;
  if (const auto number = json.integer()) {  // offsets, before PyTorch 2.3
    out.dim = *number;
    out.hint = *number;
    return out;
  }
  const auto variant = TRY(json.variant());
  if (variant.kind == "as_int") {
    out.dim = TRY(variant.value.integer());
    out.hint = out.dim.constant();
    return out;
  }
  if (variant.kind != "as_expr")
    return json.error(fmt::format("\"{}\" is not known here", variant.kind));
  const Cursor text = TRY(variant.value.get("expr_str"));
  const auto expr = parse_sympy(TRY(text.text()));
  if (!expr) return text.error(expr.error().why);
  const auto dim = to_dim(*expr);
  out.dim = dim ? *dim : ir::Dim::symbol(expr->str());
  if (const auto hint = variant.value.find("hint")) {
    if (const auto value = hint->find("as_int")) out.hint = TRY(value->integer());
  }
  return out;
}

Result<TensorMeta> GraphReader::tensor_meta(const Cursor& json) {
  if (const auto inner = json.find("meta")) return tensor_meta(*inner);  // PyTorch 2.1
  TensorMeta out;
  const Cursor dtype = TRY(json.get("dtype")), sizes = TRY(json.get("sizes")),
               strides = TRY(json.get("strides"));
  out.dtype = dtype_of_schema(TRY(dtype.integer()));
  auto read = [&](ir::Shape& to) {
    return [&](const Cursor& item) -> Status {
      to.push_back(TRY(sym_int(item)).dim);
      return {};
    };
  };
  TRY(sizes.each(read(out.sizes)));
  TRY(strides.each(read(out.strides)));
  if (const auto offset = json.find("storage_offset")) out.offset = TRY(sym_int(*offset)).dim;
  if (const auto grad = json.find("requires_grad")) out.requires_grad = TRY(grad->boolean());
  if (const auto device = json.find("device")) out.device = TRY(device_of(*device));
  if (const auto layout = json.find("layout")) {
    const int64_t number = TRY(layout->integer());
    if (number < 0 || number > 7) return layout->error("the number is not known");
    out.layout = static_cast<Layout>(number);
  }
  return out;
}

Result<ir::OriginRef> GraphReader::origin(const Cursor& metadata) {
  const auto stack = metadata.find("stack_trace"), modules = metadata.find("nn_module_stack");
  std::pair<std::string, std::string> key;
  if (stack) key.first = TRY(stack->text());
  if (modules) key.second = TRY(modules->text());
  ir::OriginRef& known = origins_[key];
  if (known == nullptr) {
    known = std::make_shared<const ir::Origin>(ir::Origin{.module = parse_module_path(key.second),
                                                          .frames = parse_stack_trace(key.first)});
  }
  return known;
}

Result<Node> GraphReader::node(const Cursor& json) {
  Node out;
  const Cursor target = TRY(json.get("target")), inputs = TRY(json.get("inputs")),
               outputs = TRY(json.get("outputs"));
  out.target = TRY(target.text());
  TRY(inputs.each([&](const Cursor& input) -> Status {
    NamedArgument& to = out.inputs.emplace_back();
    to.name = TRY(name_of(input));
    const Cursor arg = TRY(input.get("arg"));
    to.value = TRY(argument(arg));
    if (const auto kind = input.find("kind")) to.keyword = TRY(kind->integer()) == 2;
    return {};
  }));
  TRY(outputs.each([&](const Cursor& output) -> Status {
    out.outputs.push_back(TRY(argument(output)));
    return {};
  }));
  if (const auto name = json.find("name")) out.name = TRY(name->text());
  if (const auto metadata = json.find("metadata")) out.origin = TRY(origin(*metadata));
  if (const auto single = json.find("is_hop_single_tensor_return"))
    out.single_tensor_return = TRY(single->boolean());
  return out;
}

Result<Graph> GraphReader::graph(const Cursor& json) {
  if (depth_ == kMaxGraphDepth) return json.error("graphs nest too deep");
  ++depth_;
  Graph out;
  auto arguments = [&](std::vector<Argument>& to) {
    return [&](const Cursor& item) -> Status {
      to.push_back(TRY(argument(item)));
      return {};
    };
  };
  const Cursor inputs = TRY(json.get("inputs")), outputs = TRY(json.get("outputs")),
               nodes = TRY(json.get("nodes"));
  TRY(inputs.each(arguments(out.inputs)));
  TRY(outputs.each(arguments(out.outputs)));
  TRY(nodes.each([&](const Cursor& item) -> Status {
    out.nodes.push_back(TRY(node(item)));
    return {};
  }));
  const Cursor tensors = TRY(json.get("tensor_values"));
  TRY(tensors.each_field([&](std::string_view name, const Cursor& meta) -> Status {
    out.tensors.emplace(name, TRY(tensor_meta(meta)));
    return {};
  }));
  if (const auto values = json.find("sym_int_values")) {
    TRY(values->each_field([&](std::string_view name, const Cursor& value) -> Status {
      out.sym_ints.emplace(name, TRY(sym_int(value)));
      return {};
    }));
  }
  // Symbolic bools and floats stay expressions.
  for (const auto& [field, to] : {std::pair{"sym_bool_values", &out.sym_bools},
                                  std::pair{"sym_float_values", &out.sym_floats}}) {
    const auto values = json.find(field);
    if (!values) continue;
    TRY(values->each_field([&](std::string_view name, const Cursor& value) -> Status {
      const auto variant = TRY(value.variant());
      SymExpr expr;
      if (variant.kind == "as_expr") {
        const Cursor text = TRY(variant.value.get("expr_str"));
        auto parsed = parse_sympy(TRY(text.text()));
        if (!parsed) return text.error(parsed.error().why);
        expr = std::move(*parsed);
      } else if (variant.kind == "as_bool") {
        expr = {.kind = SymExpr::Kind::boolean, .integer = TRY(variant.value.boolean()) ? 1 : 0};
      } else {
        expr = {.kind = SymExpr::Kind::real, .real = TRY(variant.value.real())};
      }
      to->emplace(name, std::move(expr));
      return {};
    }));
  }
  if (const auto single = json.find("is_single_tensor_return"))
    out.single_tensor_return = TRY(single->boolean());
  --depth_;
  return out;
}

}  // namespace tenon::torch::exported
