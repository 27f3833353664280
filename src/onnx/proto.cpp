#include "onnx/proto.h"

#include <bit>
#include <protozero/pbf_reader.hpp>

namespace tenon::onnx::proto {
namespace {

using Reader = protozero::pbf_reader;
using protozero::pbf_wire_type;

// protozero reports damage by throwing; nothing of it leaves this file.
struct Damage : std::exception {
  explicit Damage(const char* what) : text(what) {}
  const char* what() const noexcept override { return text; }
  const char* text;
};

std::string_view text(Reader& r) {
  const auto view = r.get_view();
  return {view.data(), view.size()};
}

// Like ProtocolBuffers itself, takes a field of a wrong wire type for an unknown field.
bool is(const Reader& r, pbf_wire_type wanted) { return r.wire_type() == wanted; }
constexpr auto kVarint = pbf_wire_type::varint;
constexpr auto kBytes = pbf_wire_type::length_delimited;
constexpr auto kFixed32 = pbf_wire_type::fixed32;
constexpr auto kFixed64 = pbf_wire_type::fixed64;

// Reads every field with f(tag); f returns false for fields that it does not take.
template <class F>
void fields(Reader r, F&& f) {
  while (r.next()) {
    if (!f(r, r.tag())) r.skip();
  }
}

bool view(Reader& r, std::string_view& to) {
  if (!is(r, kBytes)) return false;
  to = text(r);
  return true;
}
bool views(Reader& r, std::vector<std::string_view>& to) {
  if (!is(r, kBytes)) return false;
  to.push_back(text(r));
  return true;
}
bool integer(Reader& r, int64_t& to) {
  if (!is(r, kVarint)) return false;
  to = r.get_int64();
  return true;
}
bool integers(Reader& r, std::vector<int64_t>& to) {
  if (is(r, kVarint)) {
    to.push_back(r.get_int64());
  } else if (is(r, kBytes)) {
    for (const int64_t v : r.get_packed_int64()) to.push_back(v);
  } else {
    return false;
  }
  return true;
}
bool floats(Reader& r, std::vector<float>& to) {
  if (is(r, kFixed32)) {
    to.push_back(r.get_float());
  } else if (is(r, kBytes)) {
    for (const float v : r.get_packed_float()) to.push_back(v);
  } else {
    return false;
  }
  return true;
}
bool pairs(Reader& r, StringPairs& to) {
  if (!is(r, kBytes)) return false;
  auto& pair = to.emplace_back();
  fields(r.get_message(), [&](Reader& m, auto tag) {
    return tag == 1 ? view(m, pair.first) : tag == 2 && view(m, pair.second);
  });
  return true;
}
bool opsets(Reader& r, OpsetImports& to) {
  if (!is(r, kBytes)) return false;
  auto& pair = to.emplace_back("", 0);
  fields(r.get_message(), [&](Reader& m, auto tag) {
    return tag == 1 ? view(m, pair.first) : tag == 2 && integer(m, pair.second);
  });
  return true;
}

bool chunk(Reader& r, int field, Tensor& to) {
  PackedChunk& c = to.chunks.emplace_back();
  c.field = field;
  if (is(r, kBytes)) {
    c.packed = true;
    c.data = text(r);
  } else if (is(r, kVarint)) {
    c.single = r.get_uint64();
  } else if (is(r, kFixed32)) {
    c.single = r.get_fixed32();
  } else if (is(r, kFixed64)) {
    c.single = r.get_fixed64();
  } else {
    to.chunks.pop_back();
    return false;
  }
  return true;
}

Tensor tensor(Reader message) {
  Tensor out;
  fields(message, [&](Reader& r, auto tag) {
    switch (tag) {
      case 1:
        return integers(r, out.dims);
      case 2:
        return integer(r, out.dtype);
      case 4:
      case 5:
      case 7:
      case 10:
      case 11:
        return chunk(r, static_cast<int>(tag), out);
      case 6:
        return views(r, out.strings);
      case 8:
        return view(r, out.name);
      case 9:
        return out.has_raw = view(r, out.raw);
      case 13:
        return pairs(r, out.external_data);
      case 14: {
        int64_t location = 0;
        const bool taken = integer(r, location);
        out.external = location == 1;
        return taken;
      }
      default:
        return false;
    }
  });
  return out;
}

TypeProto type(Reader message, int depth) {
  if (depth > kMaxDepth) throw Damage("types are nested too deeply");
  TypeProto out;
  auto shape = [&](Reader r) {
    out.has_shape = true;
    fields(r, [&](Reader& s, auto tag) {
      if (tag != 1 || !is(s, kBytes)) return false;
      TypeProto::Dim& dim = out.dims.emplace_back();
      fields(s.get_message(), [&](Reader& d, auto field) {
        if (field == 1) {
          dim.kind = TypeProto::Dim::Kind::value;
          return integer(d, dim.value);
        }
        if (field == 2) dim.kind = TypeProto::Dim::Kind::parameter;
        return field == 2 && view(d, dim.parameter);
      });
      return true;
    });
  };
  fields(message, [&](Reader& r, auto tag) {
    if (!is(r, kBytes)) return false;
    if (tag == 1) {
      out.kind = TypeProto::Kind::tensor;
      fields(r.get_message(), [&](Reader& t, auto field) {
        if (field == 1) return integer(t, out.dtype);
        if (field != 2 || !is(t, kBytes)) return false;
        shape(t.get_message());
        return true;
      });
      return true;
    }
    if (tag == 4 || tag == 9) {
      out.kind = tag == 4 ? TypeProto::Kind::sequence : TypeProto::Kind::optional;
      fields(r.get_message(), [&](Reader& t, auto field) {
        if (field != 1 || !is(t, kBytes)) return false;
        out.element = std::make_unique<TypeProto>(type(t.get_message(), depth + 1));
        return true;
      });
      return true;
    }
    if (tag == 5 || tag == 7 || tag == 8) out.kind = TypeProto::Kind::other;
    return false;
  });
  return out;
}

ValueInfo value_info(Reader message) {
  ValueInfo out;
  fields(message, [&](Reader& r, auto tag) {
    if (tag == 1) return view(r, out.name);
    if (tag != 2 || !is(r, kBytes)) return false;
    out.type = type(r.get_message(), 0);
    return true;
  });
  return out;
}

Graph graph(Reader message, int depth);

Attribute attribute(Reader message, int depth) {
  Attribute out;
  fields(message, [&](Reader& r, auto tag) {
    switch (tag) {
      case 1:
        return view(r, out.name);
      case 2:
        if (!is(r, kFixed32)) return false;
        out.f = r.get_float();
        return true;
      case 3:
        return integer(r, out.i);
      case 4:
        return view(r, out.s);
      case 5:
        if (!is(r, kBytes)) return false;
        out.t = std::make_unique<Tensor>(tensor(r.get_message()));
        return true;
      case 6:
        if (!is(r, kBytes)) return false;
        out.g = std::make_unique<Graph>(graph(r.get_message(), depth + 1));
        return true;
      case 7:
        return floats(r, out.floats);
      case 8:
        return integers(r, out.ints);
      case 9:
        return views(r, out.strings);
      case 10:
      case 11:
      case 14:
      case 15:
      case 22:
      case 23:
        out.other = true;
        return false;
      case 20:
        return integer(r, out.type);
      case 21:
        return view(r, out.reference);
      default:
        return false;
    }
  });
  return out;
}

Node node(Reader message, int depth) {
  Node out;
  fields(message, [&](Reader& r, auto tag) {
    switch (tag) {
      case 1:
        return views(r, out.inputs);
      case 2:
        return views(r, out.outputs);
      case 3:
        return view(r, out.name);
      case 4:
        return view(r, out.op);
      case 5:
        if (!is(r, kBytes)) return false;
        out.attributes.push_back(attribute(r.get_message(), depth));
        return true;
      case 6:
        return view(r, out.doc);
      case 7:
        return view(r, out.domain);
      case 8:
        return view(r, out.overload);
      case 9:
        return pairs(r, out.metadata);
      default:
        return false;
    }
  });
  return out;
}

Graph graph(Reader message, int depth) {
  if (depth > kMaxDepth) throw Damage("graphs are nested too deeply");
  Graph out;
  fields(message, [&](Reader& r, auto tag) {
    if (!is(r, kBytes)) return false;
    switch (tag) {
      case 1:
        out.nodes.push_back(node(r.get_message(), depth));
        return true;
      case 2:
        return view(r, out.name);
      case 5:
        out.initializers.push_back(tensor(r.get_message()));
        return true;
      case 11:
        out.inputs.push_back(value_info(r.get_message()));
        return true;
      case 12:
        out.outputs.push_back(value_info(r.get_message()));
        return true;
      case 15:
        out.has_sparse_initializers = true;
        return false;
      default:
        return false;
    }
  });
  return out;
}

Function function(Reader message) {
  Function out;
  fields(message, [&](Reader& r, auto tag) {
    if (!is(r, kBytes)) return false;
    switch (tag) {
      case 1:
        return view(r, out.name);
      case 4:
        return views(r, out.inputs);
      case 5:
        return views(r, out.outputs);
      case 7:
        out.nodes.push_back(node(r.get_message(), 1));
        return true;
      case 9:
        return opsets(r, out.opsets);
      case 10:
        return view(r, out.domain);
      case 11:
        out.defaults.push_back(attribute(r.get_message(), 1));
        return true;
      case 13:
        return view(r, out.overload);
      default:
        return false;
    }
  });
  return out;
}

Model model(Reader message) {
  Model out;
  fields(message, [&](Reader& r, auto tag) {
    switch (tag) {
      case 1:
        return integer(r, out.ir_version);
      case 2:
        return view(r, out.producer);
      case 3:
        return view(r, out.producer_version);
      case 7:
        if (!is(r, kBytes)) return false;
        out.has_graph = true;
        out.graph = graph(r.get_message(), 0);
        return true;
      case 8:
        return opsets(r, out.opsets);
      case 14:
        return pairs(r, out.metadata);
      case 25:
        if (!is(r, kBytes)) return false;
        out.functions.push_back(function(r.get_message()));
        return true;
      default:
        return false;
    }
  });
  return out;
}

template <class F>
auto guarded(Bytes bytes, const char* what, F&& parse)
    -> Result<decltype(parse(std::declval<Reader>()))> {
  try {
    return parse(Reader(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  } catch (const std::exception& e) {
    return fail({.kind = ErrorKind::bad_file,
                 .what = what,
                 .why = std::string("its ProtocolBuffers encoding is damaged: ") + e.what(),
                 .hint = "make sure that it is a complete ONNX file"});
  }
}

}  // namespace

Result<Model> parse_model(Bytes bytes) {
  return guarded(bytes, "cannot read the ONNX model", [](Reader r) { return model(r); });
}

Result<Tensor> parse_tensor(Bytes bytes) {
  return guarded(bytes, "cannot read the ONNX tensor", [](Reader r) { return tensor(r); });
}

}  // namespace tenon::onnx::proto
