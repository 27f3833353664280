#include "archive/detect.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "archive/pickle.h"
#include "archive/stored_tensor.h"
#include "archive/torch_archive.h"
#include "archive/trust.h"
#include "archive/zip.h"

namespace tenon::archive {
namespace {

using namespace std::string_view_literals;
using pickle::Kind;
using pickle::Value;

// ---- pickles

size_t count_tensors(const Value& dict) {
  size_t count = 0;
  for (size_t i = 1; i < dict.items.size(); i += 2) count += is_tensor(*dict.items[i]);
  return count;
}

// A dict of which at least half of the values are tensors.
bool is_state_dict(const Value& value) {
  if (!value.is(Kind::dict) || value.items.empty()) return false;
  return 4 * count_tensors(value) >= value.items.size();
}

std::string describe_state_dict(const Value& dict) {
  for (size_t i = 1; i < dict.items.size(); i += 2) {
    if (!is_tensor(*dict.items[i])) continue;
    return fmt::format("{} tensors, such as {}", count_tensors(dict),
                       pickle::print(*dict.items[i - 1], 80));
  }
  return "no tensors";
}

// "module.", where nn.DataParallel put it before all names.
std::string parallel_prefix(const Value& dict) {
  constexpr std::string_view kPrefix = "module.";
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    if (!dict.items[i]->text.starts_with(kPrefix)) return {};
  }
  return std::string(kPrefix);
}

bool names_ultralytics(const Value& value) {
  const std::string name = value.qualified_name();
  return name.starts_with("ultralytics.") || name.starts_with("models.yolo.");
}

// nn.Module's __dict__ always has these.
bool is_module(const Value& value) {
  if (!value.is(Kind::object) && !value.is(Kind::call)) return false;
  return value.state != nullptr && value.state->get("_modules") != nullptr &&
         value.state->get("_parameters") != nullptr;
}

Detected classify_dict(const Value& root) {
  if (root.get("pytorch-lightning_version") != nullptr)
    return {.kind = FileKind::lightning, .key = "state_dict"};
  if (is_state_dict(root))
    return {.kind = FileKind::state_dict,
            .detail = describe_state_dict(root),
            .prefix = parallel_prefix(root)};
  for (size_t i = 1; i < root.items.size(); i += 2) {
    if (names_ultralytics(*root.items[i])) {
      return {.kind = FileKind::ultralytics,
              .detail = "an object of " + root.items[i]->qualified_name()};
    }
  }
  for (const std::string_view key :
       {"state_dict", "model_state_dict", "model", "state_dict_ema", "params", "net", "module"}) {
    const Value* inner = root.get(key);
    if (inner != nullptr && is_state_dict(*inner)) {
      return {.kind = FileKind::state_dict,
              .detail = describe_state_dict(*inner) + fmt::format(", under '{}'", key),
              .key = std::string(key),
              .prefix = parallel_prefix(*inner)};
    }
  }
  return {.kind = FileKind::pickled_object, .detail = "a dict: " + pickle::print(root, 120)};
}

Detected classify(const pickle::Pickle& saved) {
  const Value& root = saved.root();
  if (root.is(Kind::dict)) return classify_dict(root);
  if (names_ultralytics(root))
    return {.kind = FileKind::ultralytics, .detail = "an object of " + root.qualified_name()};
  if (is_module(root)) {
    return {.kind = FileKind::pickled_module,
            .detail = "an object of " + root.qualified_name(),
            .class_name = root.qualified_name()};
  }
  if (root.qualified_name() == "torch.export.exported_program.ExportedProgram")
    return {.kind = FileKind::pickled_program};
  if (is_tensor(root)) return {.kind = FileKind::pickled_object, .detail = "one tensor"};
  return {.kind = FileKind::pickled_object, .detail = pickle::print(root, 120)};
}

// Before its zip format, torch.save wrote five pickles one after the other: a magic number, a
// version, the machine's properties, the object, the names of the storages.
constexpr std::string_view kLegacyMagic = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19."sv;

Result<Detected> detect_pickle(const Blob& file, const std::string& path) {
  Blob rest = file;
  const bool legacy = file.text().starts_with(kLegacyMagic);
  for (int skip = legacy ? 3 : 0; skip > 0; --skip) {
    const pickle::Pickle part = TRY(pickle::Pickle::parse(rest, {.file = path}));
    rest = rest.slice(part.size(), rest.size - part.size());
  }
  const pickle::Pickle saved = TRY(pickle::Pickle::parse(rest, {.file = path}));
  TRY(refuse_executing(saved, {.file = path}));
  return classify(saved);
}

// ---- zip archives

Result<Detected> detect_zip(const MappedFile& file) {
  ZipReader zip = TRY(ZipReader::open(file));
  bool program = false, native = false, arrays = !zip.entries().empty();
  // Archives that an entry of this name tells, or of this name in a folder.
  struct Mark {
    std::string_view entry;
    FileKind kind;
  };
  constexpr std::array<Mark, 5> kMarks = {{{"MAR-INF/MANIFEST.json", FileKind::torchserve_archive},
                                           {"model.weights.h5", FileKind::keras},
                                           {".data/extern_modules", FileKind::torch_package},
                                           {"extern_modules", FileKind::torch_package},
                                           {"model.json", FileKind::torchscript_legacy}}};
  std::optional<FileKind> marked;
  for (const ZipEntry& entry : zip.entries()) {
    const std::string_view name = entry.name;
    const size_t slash = name.find('/');
    const std::string_view inner = slash == std::string_view::npos ? "" : name.substr(slash + 1);
    program = program || name == "serialized_exported_program.json" ||
              (inner.starts_with("models/") && inner.ends_with(".json"));
    native = native || inner.starts_with("data/aotinductor/");
    for (const Mark& mark : kMarks) {
      if (name == mark.entry || inner == mark.entry) marked = mark.kind;
    }
    arrays = arrays && name.ends_with(".npy");
  }
  if (program) return Detected{.kind = FileKind::exported_program};
  if (native) return Detected{.kind = FileKind::aoti_package};
  if (marked) return Detected{.kind = *marked};
  if (arrays)
    return Detected{.kind = FileKind::npz,
                    .detail = fmt::format("{} arrays", zip.entries().size())};
  const std::string detail = zip.entries().empty()
                                 ? "no entries"
                                 : fmt::format("{} entries, such as '{}'", zip.entries().size(),
                                               zip.entries()[0].name.substr(0, 80));
  const auto archive = TorchArchive::open(std::move(zip));
  if (!archive || !archive->has("data.pkl"))
    return Detected{.kind = FileKind::zip, .detail = detail};
  if (archive->is_torchscript()) return Detected{.kind = FileKind::torchscript};
  if (archive->has("bytecode.pkl")) return Detected{.kind = FileKind::mobile_bytecode};
  return classify(TRY(archive->pickled("data.pkl")));
}

// ---- others

bool read_varint(std::span<const std::byte> bytes, size_t& at, uint64_t& out) {
  out = 0;
  for (int shift = 0; shift < 64 && at < bytes.size(); shift += 7) {
    const auto byte = static_cast<uint64_t>(bytes[at++]);
    out |= (byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// Whether the bytes are a protobuf message to their end, of numbers and of what has a length, and
// `accept(field, is_number, value)` takes each of its outermost fields.
template <class F>
bool each_outer_field(std::span<const std::byte> bytes, F&& accept) {
  for (size_t at = 0; at < bytes.size();) {
    uint64_t key = 0, value = 0;
    if (!read_varint(bytes, at, key) || !read_varint(bytes, at, value)) return false;
    const uint64_t field = key >> 3, wire = key & 7;
    if (field == 0 || (wire != 0 && wire != 2) || !accept(field, wire == 0, value)) return false;
    if (wire == 0) continue;
    if (value > bytes.size() - at) return false;
    at += value;
  }
  return true;
}

// An onnx.ModelProto: an ir_version, then known fields up to the end, among them a graph.
bool is_onnx(std::span<const std::byte> bytes) {
  bool version = false, graph = false;
  return each_outer_field(bytes,
                          [&](uint64_t field, bool number, uint64_t value) {
                            if (field == 1) version = value > 0 && value < 1000;
                            graph = graph || field == 7;
                            return field <= 30 && number == (field == 1 || field == 5);
                          }) &&
         version && graph;
}

// Core ML's Model: its version, a description, and the one field from 200 on that says what it is.
bool is_coreml(std::span<const std::byte> bytes) {
  size_t count = 0;
  bool version = false, kind = false;
  return each_outer_field(bytes,
                          [&](uint64_t field, bool number, uint64_t value) {
                            if (++count == 1) version = field == 1 && value > 0 && value < 100;
                            kind = kind || (field >= 200 && field < 4000);
                            return version && number == (field == 1 || field == 10) &&
                                   (count != 2 || field == 2);
                          }) &&
         kind;
}

bool is_safetensors(std::span<const std::byte> bytes) {
  if (bytes.size() < 10) return false;
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  return length >= 2 && length <= bytes.size() - 8 && bytes[8] == std::byte{'{'};
}

bool is_text(std::string_view text) {
  const std::string_view start = text.substr(0, 4096);
  return std::ranges::all_of(start, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || byte == '\n' || byte == '\r' || byte == '\t' || byte == '\f';
  });
}

std::optional<Detected> detect_beginning(std::string_view text) {
  struct Beginning {
    std::string_view bytes;
    FileKind kind;
  };
  constexpr std::array<Beginning, 9> kBeginnings = {
      {{"\x93NUMPY"sv, FileKind::npy},
       {"\x89HDF\r\n\x1a\n"sv, FileKind::hdf5},
       {"GGUF"sv, FileKind::gguf},
       {"ftrt"sv, FileKind::tensorrt_engine},
       {"\x1f\x8b"sv, FileKind::gzip},
       {"version https://git-lfs"sv, FileKind::lfs_pointer},
       {"<!DOCTYPE"sv, FileKind::html},
       {"<!doctype"sv, FileKind::html},
       {"<html"sv, FileKind::html}}};
  for (const auto& [bytes, kind] : kBeginnings) {
    if (text.starts_with(bytes)) return Detected{.kind = kind};
  }
  // FlatBuffers have their name after the offset of the root.
  if (text.size() > 8 && text.substr(4, 2) == "ET") return Detected{.kind = FileKind::executorch};
  if (text.size() > 8 && text.substr(4, 4) == "PTMF")
    return Detected{.kind = FileKind::mobile_flatbuffer};
  if (text.size() > 8 && text.substr(4, 4) == "TFL3") return Detected{.kind = FileKind::tflite};
  if (text.starts_with("<?xml") && text.substr(0, 4096).find("<net ") != std::string_view::npos)
    return Detected{.kind = FileKind::openvino_ir};
  if (text.size() > 262 && text.substr(257, 5) == "ustar") return Detected{.kind = FileKind::tar};
  return std::nullopt;
}

// The first string of "architectures" in the config.json beside a file, where that is Transformers'
// own.
std::optional<std::string> transformers_class(const std::string& path) {
  const size_t slash = path.rfind('/');
  const auto config = MappedFile::open(
      (slash == std::string::npos ? "" : path.substr(0, slash + 1)) + "config.json");
  if (!config || config->bytes().size() > (1 << 20)) return std::nullopt;
  const std::string_view text(reinterpret_cast<const char*>(config->bytes().data()),
                              config->bytes().size());
  if (text.find("\"model_type\"") == std::string_view::npos) return std::nullopt;
  const size_t key = text.find("\"architectures\""), open = text.find('[', key),
               start = text.find('"', open);
  if (key == std::string_view::npos || start == std::string_view::npos) return "AutoModel";
  const std::string_view name = text.substr(start + 1, text.find('"', start + 1) - start - 1);
  const bool identifier = !name.empty() && name.size() < 100 &&
                          std::ranges::all_of(
                              name,
                              [](char c) {
                                return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                       (c >= '0' && c <= '9') || c == '_';
                              });
  return identifier ? std::string(name) : "AutoModel";
}

Result<Detected> detect_contents(const MappedFile& file) {
  const auto bytes = file.bytes();
  if (bytes.empty()) return Detected{.kind = FileKind::empty};
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (ZipReader::looks_like_zip(bytes)) return detect_zip(file);
  if (text.size() >= 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5) {
    return detect_pickle({file.share(0), bytes.size()}, file.path());
  }
  if (auto known = detect_beginning(text)) return *known;
  if (is_safetensors(bytes)) return Detected{.kind = FileKind::safetensors};
  if (is_onnx(bytes)) return Detected{.kind = FileKind::onnx};
  if (is_coreml(bytes)) return Detected{.kind = FileKind::coreml};
  if (text.starts_with("{") &&
      text.substr(0, 1 << 20).find("\"weight_map\"") != std::string_view::npos)
    return Detected{.kind = FileKind::safetensors, .detail = "an index of several files"};
  return Detected{.kind = is_text(text) ? FileKind::text : FileKind::unknown};
}

}  // namespace

Result<Detected> detect(const MappedFile& file) {
  Detected out = TRY(detect_contents(file));
  if (out.kind == FileKind::state_dict || out.kind == FileKind::safetensors) {
    if (auto name = transformers_class(file.path())) {
      out.kind = FileKind::hugging_face;
      out.class_name = std::move(*name);
    }
  }
  return out;
}

bool holds_program(FileKind kind) {
  return kind == FileKind::torchscript || kind == FileKind::exported_program ||
         kind == FileKind::onnx;
}

std::string_view describe(FileKind kind) {
  switch (kind) {
    case FileKind::torchscript:
      return "a TorchScript program";
    case FileKind::exported_program:
      return "an exported program of torch.export";
    case FileKind::onnx:
      return "an ONNX model";
    case FileKind::state_dict:
      return "a PyTorch state_dict: weights without a program";
    case FileKind::lightning:
      return "a checkpoint of PyTorch Lightning: weights without a program";
    case FileKind::ultralytics:
      return "a checkpoint of Ultralytics: a pickled module, whose code is in that package";
    case FileKind::hugging_face:
      return "weights of a Transformers model, without a program";
    case FileKind::pickled_module:
      return "a pickled nn.Module: weights and names of classes, whose code is elsewhere";
    case FileKind::pickled_program:
      return "an exported program that torch.save pickled, with Python objects of that PyTorch";
    case FileKind::pickled_object:
      return "a pickle that holds no module";
    case FileKind::safetensors:
      return "a safetensors file: weights without a program";
    case FileKind::aoti_package:
      return "an AOTInductor package: machine code without the program it came from";
    case FileKind::torchscript_legacy:
      return "TorchScript of PyTorch 1.0 or 1.1, in the format before code/";
    case FileKind::mobile_flatbuffer:
      return "a module for PyTorch's lite interpreter, in the form of FlatBuffers";
    case FileKind::mobile_bytecode:
      return "a module for PyTorch's lite interpreter with its bytecode alone, without the sources "
             "under code/";
    case FileKind::torch_package:
      return "an archive of torch.package: a pickled module with its Python sources";
    case FileKind::torchserve_archive:
      return "an archive of TorchServe, which holds a model and its handler";
    case FileKind::executorch:
      return "a program of ExecuTorch, compiled for it";
    case FileKind::coreml:
      return "a model of Core ML";
    case FileKind::tflite:
      return "a model of TensorFlow Lite";
    case FileKind::keras:
      return "a model of Keras";
    case FileKind::openvino_ir:
      return "a model of OpenVINO";
    case FileKind::tensorrt_engine:
      return "a TensorRT engine";
    case FileKind::npz:
      return "an archive of NumPy arrays";
    case FileKind::npy:
      return "a NumPy array";
    case FileKind::hdf5:
      return "an HDF5 file, such as Keras writes";
    case FileKind::gguf:
      return "a GGUF file: weights without a program";
    case FileKind::tar:
      return "a tar archive";
    case FileKind::gzip:
      return "a gzip-compressed file";
    case FileKind::zip:
      return "a zip archive that is no PyTorch file";
    case FileKind::lfs_pointer:
      return "a pointer of Git LFS, not the file itself";
    case FileKind::html:
      return "an HTML page, perhaps of a failed download";
    case FileKind::text:
      return "a text file";
    case FileKind::empty:
      return "an empty file";
    case FileKind::unknown:
      return "a file of unknown format";
  }
  return "a file of unknown format";
}

}  // namespace tenon::archive
