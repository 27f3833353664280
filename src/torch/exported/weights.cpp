#include "torch/exported/weights.h"

#include <algorithm>
#include <map>

#include "archive/torch_archive.h"
#include "torch/exported/graph_reader.h"
#include "torch/exported/json_cursor.h"

namespace tenon::torch::exported {
namespace {

using archive::Blob;
using archive::StoredTensor;
using archive::TorchArchive;
using archive::ZipReader;
using pickle::Value;
using PickleKind = pickle::Kind;

using Tensors = std::map<std::string, StoredTensor, std::less<>>;

// An archive of torch.save that is an entry of the file; its storages are named with the entry's
// name before, to be distinct in the whole file.
Result<TorchArchive> inner_archive(const ZipReader& zip, const std::string& entry) {
  const Blob bytes = TRY(zip.read(entry));
  return TorchArchive::open(TRY(ZipReader::open(bytes, zip.path() + ":" + entry)));
}

Result<StoredTensor> inner_tensor(const TorchArchive& archive, const std::string& entry,
                                  const Value& value) {
  StoredTensor out = TRY(archive.tensor(value));
  out.storage_key = entry + ":" + out.storage_key;
  return out;
}

// All tensors of a dict saved by torch.save.
Status read_saved_dict(const ZipReader& zip, const std::string& entry, Tensors& out) {
  const Blob bytes = TRY(zip.read(entry));
  if (bytes.size == 0) return {};  // PyTorch writes nothing for an empty dict
  const TorchArchive archive = TRY(inner_archive(zip, entry));
  const pickle::Pickle saved = TRY(archive.pickled("data.pkl"));
  const Value& root = saved.root();
  if (!root.is(PickleKind::dict)) {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "cannot read the exported program's weights",
                 .where = archive.where("data.pkl"),
                 .why = "they are no dict but " + pickle::print(root),
                 .hint = "export and save the model again"});
  }
  for (size_t i = 0; i + 1 < root.items.size(); i += 2) {
    // Constants may also be objects, which are no tensors; who uses them finds them missing.
    if (!root.items[i]->is(PickleKind::string) || !archive::is_tensor(*root.items[i + 1])) continue;
    out.insert_or_assign(std::string(root.items[i]->text),
                         TRY(inner_tensor(archive, entry, *root.items[i + 1])));
  }
  return {};
}

Result<Dims> constant_shape(const ir::Shape& shape, const Cursor& json) {
  auto out = ir::constant_dims(shape);
  if (!out) return json.error("the size of a weight is not fixed");
  return *out;
}

// One tensor of raw bytes: the whole storage is the entry, the tensor a window into it.
Result<StoredTensor> raw_tensor(const Cursor& meta, GraphReader& reader, const Blob& bytes,
                                std::string entry) {
  const TensorMeta tensor = TRY(reader.tensor_meta(meta));
  StoredTensor out{.storage_key = std::move(entry),
                   .storage = bytes,
                   .dtype = tensor.dtype,
                   .requires_grad = tensor.requires_grad,
                   .device = tensor.device};
  if (tensor.dtype == DType::undefined) return meta.error("the dtype is not known");
  const auto offset = tensor.offset.constant();
  if (!offset) return meta.error("the offset of a weight is not fixed");
  out.offset = *offset;
  out.sizes = TRY(constant_shape(tensor.sizes, meta));
  out.strides = TRY(constant_shape(tensor.strides, meta));
  if (out.sizes.size() != out.strides.size())
    return meta.error("there are more sizes than strides");
  if (tensor.layout != Layout::strided && tensor.layout != Layout::unknown) {
    return fail({.kind = ErrorKind::unsupported,
                 .what = "a weight is not a dense tensor",
                 .where = {.node = out.storage_key},
                 .why = "it is sparse or in a private layout of oneDNN",
                 .hint = "call .to_dense() on it before the export"});
  }
  out.storage_count =
      static_cast<int64_t>(bytes.size / (static_cast<size_t>(bits(tensor.dtype)) / 8));
  if (bytes.size == 0) {
    // Saved without values, from fake tensors: only the form is known.
    const int64_t count = element_count(out.sizes);
    if (count < 0) return meta.error("a size is negative or too large");
    out.storage_count = count;
  }
  return out;
}

// {"config": {fqn: {"path_name", "is_param", "use_pickle", "tensor_meta"}}}
Status read_configured(const ZipReader& zip, const std::string& folder, const std::string& config,
                       bool big_endian, Tensors& out) {
  const Blob text = TRY(zip.read(config, archive::Verify::always));
  const JsonDocument document =
      TRY(JsonDocument::parse(text.text(), {.file = zip.path(), .node = config}));
  const Cursor root(document);
  const Cursor entries = TRY(root.get("config"));
  GraphReader reader;
  return entries.each_field([&](std::string_view fqn, const Cursor& json) -> Status {
    const Cursor path = TRY(json.get("path_name"));
    const std::string entry = folder + std::string(TRY(path.text()));
    const auto pickled = json.find("use_pickle"), parameter = json.find("is_param"),
               meta = json.find("tensor_meta");
    if (pickled && TRY(pickled->boolean())) {
      if (!meta) return {};  // an object, no tensor
      const TorchArchive archive = TRY(inner_archive(zip, entry));
      const pickle::Pickle saved = TRY(archive.pickled("data.pkl"));
      if (!archive::is_tensor(saved.root())) {
        return fail({.kind = ErrorKind::unsupported,
                     .what = "a weight is no plain tensor",
                     .where = {.file = zip.path(), .node = std::string(fqn)},
                     .why = "it is a tensor subclass: " + pickle::print(saved.root(), 100),
                     .hint = "convert it to a plain tensor before the export"});
      }
      out.insert_or_assign(std::string(fqn), TRY(inner_tensor(archive, entry, saved.root())));
      return {};
    }
    if (!meta) return json.error("\"tensor_meta\" is missing");
    StoredTensor tensor = TRY(raw_tensor(*meta, reader, TRY(zip.read(entry)), entry));
    tensor.parameter = parameter && TRY(parameter->boolean());
    tensor.big_endian = big_endian;
    out.insert_or_assign(std::string(fqn), std::move(tensor));
    return {};
  });
}

// The leaves of nested tuples, lists and dicts, as torch.utils._pytree finds them.
class Flattener {
 public:
  Flattener(const TorchArchive& archive, std::string entry)
      : archive_(archive), entry_(std::move(entry)) {}

  Status flatten(const Value& value, std::vector<SampleInput>& out) {
    using Kind = Argument::Kind;
    // Shared containers could repeat without end in a hostile file.
    if (++visited_ > 100000) return too_many();
    SampleInput leaf;
    switch (value.kind) {
      case PickleKind::tuple:
      case PickleKind::list:
        for (const Value* item : value.items) TRY(flatten(*item, out));
        return {};
      case PickleKind::dict:
        for (size_t i = 1; i < value.items.size(); i += 2) TRY(flatten(*value.items[i], out));
        return {};
      case PickleKind::none:
        break;
      case PickleKind::boolean:
        leaf.value = {.kind = Kind::boolean, .integer = value.integer};
        break;
      case PickleKind::integer:
        leaf.value = {.kind = Kind::integer, .integer = value.integer};
        break;
      case PickleKind::real:
        leaf.value = {.kind = Kind::real, .real = value.real};
        break;
      case PickleKind::string:
        leaf.value = {.kind = Kind::string, .text = std::string(value.text)};
        break;
      default:
        // Objects of other classes are leaves too, of which nothing is known here.
        if (archive::is_tensor(value))
          leaf.tensor = TRY(inner_tensor(archive_, entry_, value));
        else
          leaf.value = {.kind = Kind::custom_object, .text = value.qualified_name()};
    }
    out.push_back(std::move(leaf));
    return {};
  }

 private:
  std::unexpected<Error> too_many() const {
    return fail({.kind = ErrorKind::bad_file,
                 .what = "cannot read the example inputs",
                 .where = archive_.where("data.pkl"),
                 .why = "they have more than 100000 parts",
                 .hint = "export the model again"});
  }

  const TorchArchive& archive_;
  std::string entry_;
  size_t visited_ = 0;
};

Status read_samples(const ZipReader& zip, const std::string& entry, Program& out) {
  const Blob bytes = TRY(zip.read(entry));
  if (bytes.size == 0) return {};
  const TorchArchive archive = TRY(inner_archive(zip, entry));
  const pickle::Pickle saved = TRY(archive.pickled("data.pkl"));
  if (saved.cyclic() || saved.root().is(PickleKind::none)) return {};
  return Flattener(archive, entry).flatten(saved.root(), out.samples);
}

std::unexpected<Error> no_program(const ZipReader& zip, std::string why, std::string hint) {
  return fail({.kind = ErrorKind::bad_file,
               .what = "the file holds no exported program that can be read",
               .where = {.file = zip.path()},
               .why = std::move(why),
               .hint = std::move(hint)});
}

}  // namespace

Result<FileLayout> find_layout(const ZipReader& zip) {
  FileLayout out;
  auto existing = [&](const std::string& name) {
    return zip.find(name) != nullptr ? name : std::string();
  };
  if (zip.find("serialized_exported_program.json") != nullptr) {
    out.model = "model";
    out.program = "serialized_exported_program.json";
    // Before PyTorch 2.2 the tensors' files were named .json too.
    for (const std::string ending : {".pt", ".json"}) {
      if (out.weights_file.empty()) out.weights_file = existing("serialized_state_dict" + ending);
      if (out.constants_file.empty())
        out.constants_file = existing("serialized_constants" + ending);
    }
    out.samples_file = existing("serialized_example_inputs.pt");
    return out;
  }
  std::vector<std::string> models;
  std::string root;
  for (const auto& entry : zip.entries()) {
    const size_t slash = entry.name.find('/');
    if (slash == std::string::npos) continue;
    const std::string_view name = std::string_view(entry.name).substr(slash + 1);
    if (!name.starts_with("models/") || !name.ends_with(".json")) continue;
    root = entry.name.substr(0, slash + 1);
    models.emplace_back(name.substr(7, name.size() - 12));
  }
  if (models.empty()) {
    return no_program(zip, "it has neither models/*.json nor serialized_exported_program.json",
                      "save the model with torch.export.save");
  }
  if (models.size() > 1) {
    return no_program(zip, fmt::format("it holds {} programs", models.size()),
                      "save each program in a file of its own");
  }
  out.model = models[0];
  out.program = root + "models/" + out.model + ".json";
  out.weights_folder = root + "data/weights/";
  out.weights_config = existing(out.weights_folder + out.model + "_weights_config.json");
  out.weights_file = existing(out.weights_folder + out.model + ".pt");
  out.constants_folder = root + "data/constants/";
  out.constants_config = existing(out.constants_folder + out.model + "_constants_config.json");
  out.constants_file = existing(out.constants_folder + out.model + ".pt");
  out.samples_file = existing(root + "data/sample_inputs/" + out.model + ".pt");
  if (const auto* order = zip.find(root + "byteorder"))
    out.big_endian = TRY(zip.read(*order)).text().starts_with("big");
  return out;
}

Status read_weights(const ZipReader& zip, const FileLayout& layout, Program& out) {
  if (!layout.weights_file.empty())
    TRY(read_saved_dict(zip, layout.weights_file, out.weights));
  else if (!layout.weights_config.empty()) {
    TRY(read_configured(zip, layout.weights_folder, layout.weights_config, layout.big_endian,
                        out.weights));
  }
  if (!layout.constants_file.empty())
    TRY(read_saved_dict(zip, layout.constants_file, out.constants));
  else if (!layout.constants_config.empty()) {
    TRY(read_configured(zip, layout.constants_folder, layout.constants_config, layout.big_endian,
                        out.constants));
  }
  // What the program takes must be there.
  for (const InputSpec& input : out.inputs) {
    const bool weight =
        input.kind == InputSpec::Kind::parameter || input.kind == InputSpec::Kind::buffer;
    if (!weight && input.kind != InputSpec::Kind::tensor_constant) continue;
    // Buffers that are not persistent lie among the constants.
    if (out.weights.contains(input.target) || out.constants.contains(input.target)) continue;
    return fail({.kind = ErrorKind::bad_file,
                 .what = "a weight is missing from the file",
                 .where = out.where(input.target),
                 .why = "the program takes it and the file does not hold it",
                 .hint = "export and save the model again"});
  }
  if (!layout.samples_file.empty()) TRY(read_samples(zip, layout.samples_file, out));
  return {};
}

}  // namespace tenon::torch::exported
