// What kind of file this is, from its contents. Nothing in it is loaded or run.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/mapped_file.h"

namespace tenon::archive {

enum class FileKind : uint8_t {
  // Programs.
  torchscript,       // torch.jit.save
  exported_program,  // torch.export.save
  onnx,
  // Weights and objects without a program.
  state_dict,       // of torch.save: tensors by name, perhaps inside a checkpoint
  lightning,        // a checkpoint of PyTorch Lightning
  ultralytics,      // a checkpoint of Ultralytics' YOLO
  hugging_face,     // weights beside a config.json of Transformers
  pickled_module,   // torch.save(model): Python objects whose code is elsewhere
  pickled_program,  // torch.save of an exported program
  pickled_object,   // some other pickle
  safetensors,
  aoti_package,        // machine code of AOTInductor
  torchscript_legacy,  // torch.jit.save of PyTorch 1.0 and 1.1: model.json and tensors/
  mobile_flatbuffer,   // a module for the lite interpreter in the form of FlatBuffers
  mobile_bytecode,     // one in a zip archive, without the sources under code/
  torch_package,       // torch.package: pickles and their Python sources
  torchserve_archive,  // .mar, with a model inside
  // Other files.
  tensorrt_engine,
  executorch,
  coreml,
  tflite,
  keras,
  openvino_ir,
  npz,
  npy,
  hdf5,
  gguf,
  tar,
  gzip,
  zip,
  lfs_pointer,  // what git leaves where Git LFS has not fetched the file
  html,
  text,
  empty,
  unknown,
};

struct Detected {
  FileKind kind = FileKind::unknown;
  // What was seen: "122 tensors, such as 'conv1.weight'", "an object of
  // torchvision.models.resnet.ResNet".
  std::string detail = {};
  std::string key = {};  // of a checkpoint: where the state_dict lies inside, "model_state_dict"
  // What all names of the state_dict begin with and the model's do not: "module." of DataParallel.
  std::string prefix = {};
  std::string class_name = {};  // of a pickled module, or of Transformers' model: "BertModel"
};

// Fails where a file that has a known beginning is damaged further on.
Result<Detected> detect(const MappedFile& file);

// "a PyTorch state_dict"
std::string_view describe(FileKind kind);
// Whether the file holds a program that Tenon reads.
bool holds_program(FileKind kind);

// The error for a file that holds no program. Its hint is a Python script that makes one that does,
// which runs as it stands.
Error no_program(const Detected& detected, const std::string& path);

}  // namespace tenon::archive
