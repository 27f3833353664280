// Programs for tests and fuzz targets, made in memory from the source of their one class.
#pragma once

#include <zlib.h>

#include <cstring>
#include <string>
#include <string_view>

#include "torch/import.h"
#include "torch/program.h"

namespace tenon::torch::testing {

// Entries of a zip archive, stored.
class Zip {
 public:
  void add(const std::string& name, std::string_view data) {
    const auto size = static_cast<uint32_t>(data.size());
    const auto crc = static_cast<uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(size)));
    std::string common;  // what both headers hold
    put(common, 20, 2);  // version
    put(common, 0, 8);   // flags, stored, time, date
    put(common, crc, 4);
    put(common, size, 4);
    put(common, size, 4);
    put(common, name.size(), 2);
    put(common, 0, 2);  // extra
    put(directory_, 0x02014b50, 4);
    put(directory_, 20, 2);
    directory_ += common;
    put(directory_, 0, 10);  // comment, disk, attributes
    put(directory_, file_.size(), 4);
    directory_ += name;
    put(file_, 0x04034b50, 4);
    file_ += common + name;
    file_ += data;
    ++count_;
  }
  archive::Blob finish() {
    const size_t offset = file_.size();
    file_ += directory_;
    put(file_, 0x06054b50, 4);
    put(file_, 0, 4);
    put(file_, count_, 2);
    put(file_, count_, 2);
    put(file_, directory_.size(), 4);
    put(file_, offset, 4);
    put(file_, 0, 2);
    const std::shared_ptr<std::byte[]> copy(new std::byte[file_.size()]);
    std::memcpy(copy.get(), file_.data(), file_.size());
    return {std::shared_ptr<const std::byte>(copy, copy.get()), file_.size()};
  }

 private:
  static void put(std::string& out, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(i < 8 ? value >> (8 * i) & 0xff : 0);
  }
  std::string file_, directory_;
  uint64_t count_ = 0;
};

inline std::string pickled_text(std::string_view s) {
  std::string out = "X";
  for (int i = 0; i < 4; ++i) out += static_cast<char>(s.size() >> (8 * i) & 0xff);
  return out + std::string(s);
}

// An object of __torch__.Net with a flag, an int, a float, a list and a weight of 2 x 4.
inline std::string module_pickle() {
  const std::string weight = "ctorch._utils\n_rebuild_tensor_v2\n((" + pickled_text("storage") +
                             "ctorch\nFloatStorage\n" + pickled_text("0") + pickled_text("cpu") +
                             "K\x08tQK" + std::string(1, '\0') + "K\x02K\x04\x86K\x04K\x01\x86" +
                             "\x89"
                             "ccollections\nOrderedDict\n)RtR";
  return "\x80\x02"
         "c__torch__\nNet\n)\x81}(" +
         pickled_text("training") + "\x89" + pickled_text("count") + "K\x03" +
         pickled_text("scale") + "G?\xe0" + std::string(6, '\0') + pickled_text("sizes") +
         "](K\x01K\x02K\x03"
         "e" +
         pickled_text("w") + weight + "ub.";
}

// A program whose class __torch__.Net the source defines.
inline Result<Program> program_of(std::string_view source) {
  Zip zip;
  zip.add("net/data.pkl", module_pickle());
  zip.add("net/data/0", std::string(32, '\0'));
  zip.add("net/code/__torch__.py", source);
  zip.add("net/constants.pkl", "\x80\x02).");
  zip.add("net/version", "3\n");
  const archive::Blob bytes = zip.finish();
  return Program::open(
      TRY(archive::TorchArchive::open(TRY(archive::ZipReader::open(bytes, "fuzz.pt")))));
}

// Shapes for the method's tensors and values for its other arguments.
inline ImportOptions options_for(Program& program) {
  ImportOptions options;
  options.max_steps = 2000;
  const auto found = program.find_class("__torch__.Net");
  if (!found || found->definition == nullptr) return options;
  for (const auto& method : found->definition->methods) {
    if (method.name != "forward") continue;
    for (size_t i = 1; i < method.parameters.size(); ++i) {
      const auto& [name, type] =
          std::pair(method.parameters[i].name, method.parameters[i].annotation);
      if (type == "int") options.settings[name] = "2";
      if (type == "float") options.settings[name] = "0.5";
      if (type == "bool") options.settings[name] = "True";
      if (type == "str") options.settings[name] = "a";
      if (type != "Tensor" && type != "Optional[Tensor]") continue;
      InputSpec spec{.name = name, .dims = {}, .dtype = DType::f32};
      if (name == "i") spec.dtype = DType::i64;
      if (name == "mask") spec.dtype = DType::boolean;
      if (name != "s" && name != "i")
        spec.dims.push_back({.symbol = "rows", .size = {}, .min = 1, .max = 8});
      if (name != "s") spec.dims.push_back({.symbol = {}, .size = 4, .min = {}, .max = {}});
      options.shapes.push_back(std::move(spec));
    }
    break;
  }
  return options;
}

}  // namespace tenon::torch::testing
