// The Python scripts that turn a file without a program into one with. They run as they stand; what
// only the user knows, the model's class and its inputs, are arguments on their command line.
#include "archive/detect.h"

namespace tenon::archive {
namespace {

// A Python string literal.
std::string literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (byte < 0x20 || byte == 0x7f)
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  return out + "\"";
}

// Path of the file to make: in the script's working folder, named as the old one.
std::string target(const std::string& path, std::string_view ending) {
  std::string name = path.substr(path.rfind('/') + 1);
  if (const size_t dot = name.rfind('.'); dot != std::string::npos && dot > 0) name.resize(dot);
  return literal(name + std::string(ending));
}

constexpr std::string_view kFactory = R"(import importlib, sys
import torch

# Usage: python save_program.py MODULE:CLASS SHAPE...
# for example: python save_program.py torchvision.models:resnet18 1x3x224x224
module, name = sys.argv[1].split(":")
factory = getattr(importlib.import_module(module), name)
example = tuple(torch.randn([int(d) for d in shape.split("x")]) for shape in sys.argv[2:])
)";

constexpr std::string_view kPickled = R"(import sys
import torch

# Usage: python save_program.py SHAPE...
# for example: python save_program.py 1x3x224x224
# Run it where the model's classes can be imported, and only if you trust the file: loading it runs code.
example = tuple(torch.randn([int(d) for d in shape.split("x")]) for shape in sys.argv[1:])
)";

std::string save(const std::string& path) {
  return fmt::format(
      "torch.export.save(torch.export.export(model.eval(), example), {})\n"
      "# or, where torch.export refuses the model: torch.jit.trace(model.eval(), "
      "example).save({})\n",
      target(path, ".program.pt2"), target(path, ".program.pt"));
}

std::string from_state_dict(const std::string& path, const std::string& load,
                            const std::string& key, const std::string& prefix) {
  const std::string inner = key.empty() ? "" : "[" + literal(key) + "]";
  std::string out =
      std::string(kFactory) + "model = factory()\nstate = " + load + "(" + literal(path) +
      (load == "torch.load" ? ", map_location=\"cpu\", weights_only=True)" : ")") + inner + "\n";
  if (!prefix.empty())
    out +=
        fmt::format("state = {{name.removeprefix({}): tensor for name, tensor in state.items()}}\n",
                    literal(prefix));
  return out + "model.load_state_dict(state)\n" + save(path);
}

std::string script(const Detected& detected, const std::string& path) {
  switch (detected.kind) {
    case FileKind::state_dict:
      return from_state_dict(path, "torch.load", detected.key, detected.prefix);
    case FileKind::safetensors:
      return "from safetensors.torch import load_file\n" +
             from_state_dict(path, "load_file", "", "");
    case FileKind::lightning:
      return std::string(kFactory) + "model = factory.load_from_checkpoint(" + literal(path) +
             ", map_location=\"cpu\")\n" + save(path);
    case FileKind::ultralytics:
      return "from ultralytics import YOLO\n\nYOLO(" + literal(path) +
             ").export(format=\"torchscript\")\n";
    case FileKind::hugging_face: {
      const size_t slash = path.rfind('/');
      const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
      return fmt::format(
                 "import torch, transformers\n\n"
                 "model = transformers.{}.from_pretrained({})\nmodel.config.return_dict = False\n"
                 "size = getattr(model.config, \"image_size\", 224)\n"
                 "height, width = size if isinstance(size, (list, tuple)) else (size, size)\n"
                 "channels = getattr(model.config, \"num_channels\", 3)\n"
                 "example = ({{\"input_ids\": torch.ones(1, 16, dtype=torch.int64),\n"
                 "            \"pixel_values\": torch.randn(1, channels, height, width),\n"
                 "            \"input_values\": torch.randn(1, 16000),\n"
                 "            \"input_features\": torch.randn(1, 80, "
                 "3000)}}[model.main_input_name],)\n",
                 detected.class_name, literal(folder)) +
             save(path);
    }
    case FileKind::torchscript_legacy:
    case FileKind::mobile_flatbuffer:
      return fmt::format("import torch\n\ntorch.jit.load({}, map_location=\"cpu\").save({})\n",
                         literal(path), target(path, ".program.pt"));
    case FileKind::pickled_program:
      return fmt::format(
          "import torch\n\n"
          "# Run it with the PyTorch that saved the file, and only if you trust it: loading it "
          "runs "
          "code.\n"
          "program = torch.load({}, map_location=\"cpu\", weights_only=False)\n"
          "# The pickle lacks the sizes inside the program: it is exported anew.\n"
          "model = program.module(check_guards=False)  # in older releases: program.module()\n"
          "args, kwargs = program.example_inputs\n"
          "torch.export.save(torch.export.export(model, args, kwargs), {})\n",
          literal(path), target(path, ".program.pt2"));
    case FileKind::torch_package:
      return std::string(kPickled) +
             "# The package and the resource that the model was saved under, as "
             "importer.file_structure() "
             "shows.\nimporter = torch.package.PackageImporter(" +
             literal(path) + ")\nmodel = importer.load_pickle(\"model\", \"model.pkl\")\n" +
             save(path);
    case FileKind::pickled_module:
      return std::string(kPickled) + "model = torch.load(" + literal(path) +
             ", map_location=\"cpu\", weights_only=False)\n" + save(path);
    default:
      return std::string(kFactory) + "model = factory()\n" + save(path);
  }
}

}  // namespace

Error no_program(const Detected& detected, const std::string& path) {
  Error error{.kind = ErrorKind::bad_file,
              .what = "the file holds no program",
              .where = {.file = path},
              .why = "it is " + std::string(describe(detected.kind))};
  if (!detected.detail.empty()) error.why += " (" + detected.detail + ")";
  switch (detected.kind) {
    case FileKind::lfs_pointer:
      error.hint = "fetch the file itself: git lfs pull";
      return error;
    case FileKind::html:
      error.hint = "download the file again, from the address of the file itself";
      return error;
    case FileKind::gzip:
    case FileKind::tar:
      error.hint = "unpack it first; the model may lie inside";
      return error;
    case FileKind::empty:
      error.hint = "copy or download the file again";
      return error;
    case FileKind::torchserve_archive:
      error.hint =
          "unpack it, as a zip archive; the model lies inside: 'serializedFile' in "
          "MAR-INF/MANIFEST.json names it";
      return error;
    case FileKind::tensorrt_engine:
    case FileKind::executorch:
    case FileKind::coreml:
    case FileKind::openvino_ir:
      error.hint = "take the PyTorch or ONNX model that it was made from";
      return error;
    case FileKind::tflite:
    case FileKind::keras:
      error.hint = "it is no PyTorch model: convert it to ONNX with tf2onnx, and give that";
      return error;
    default:
      break;
  }
  error.hint = "make a file with a program by this Python script:\n\n" + script(detected, path);
  return error;
}

}  // namespace tenon::archive
