#include "archive/detect.h"

#include <filesystem>
#include <fstream>

#include "archive/testdata.h"
#include "archive/zip_writer.h"

namespace tenon::archive {
namespace {

using namespace std::string_literals;

class Folder {
 public:
  Folder() : path_(testing::TempDir() + "tenon_detect") {
    std::filesystem::create_directory(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ + "/" + name, std::ios::binary) << text;
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

Result<Detected> detect_path(const std::string& path) {
  return detect(TRY(MappedFile::open(path)));
}

Detected detected(const std::string& path) {
  auto out = detect_path(path);
  EXPECT_TRUE(out) << path << "\n" << out.error().message();
  return out.value_or(Detected{});
}

FileKind kind(const std::string& text) {
  const Folder folder;
  return detected(folder.write("file", text)).kind;
}

TEST(Detect, PyTorchsFiles) {
  for (const auto& [name, kind] : {std::pair{"traced.pt", FileKind::torchscript},
                                   {"scripted.pt", FileKind::torchscript},
                                   {"scripted_deflated.pt", FileKind::torchscript},
                                   {"lite.ptl", FileKind::torchscript},
                                   {"exported.pt2", FileKind::exported_program},
                                   {"state_dict.pt", FileKind::state_dict},
                                   {"state_dict_legacy.pt", FileKind::state_dict},
                                   {"views.pt", FileKind::state_dict},
                                   {"module.pt", FileKind::pickled_module},
                                   {"module_legacy.pt", FileKind::pickled_module},
                                   {"lightning.ckpt", FileKind::lightning},
                                   {"values_2.pkl", FileKind::pickled_object},
                                   {"arrays.npz", FileKind::npz},
                                   {"array.npy", FileKind::npy},
                                   {"make.py", FileKind::text}}) {
    EXPECT_EQ(detected(testdata(name)).kind, kind) << name;
  }
  EXPECT_EQ(detected(testdata("module.pt")).class_name, "__main__.Small");
  EXPECT_EQ(detected(testdata("module_legacy.pt")).class_name, "__main__.Small");
  EXPECT_EQ(detected(testdata("state_dict.pt")).detail, "3 tensors, such as 'mask'");
  EXPECT_EQ(detected(TENON_SOURCE_DIR "/src/torch/exported/testdata/mixed_legacy.pt2").kind,
            FileKind::exported_program);
}

TEST(Detect, PicklesThatRunCommandsAreRefused) {
  const auto file = MappedFile::open(testdata("system.pkl"));
  ASSERT_TRUE(file);
  const auto found = detect(*file);
  ASSERT_FALSE(found);
  expect_complete(found.error());
  EXPECT_NE(found.error().what.find("os.system"), std::string::npos) << found.error().message();
}

TEST(Detect, OtherFiles) {
  EXPECT_EQ(kind(""), FileKind::empty);
  EXPECT_EQ(kind("hello\n"), FileKind::text);
  EXPECT_EQ(kind("version https://git-lfs.github.com/spec/v1\n"), FileKind::lfs_pointer);
  EXPECT_EQ(kind("<!DOCTYPE html><html>"), FileKind::html);
  EXPECT_EQ(kind("\x1f\x8b\x08"), FileKind::gzip);
  EXPECT_EQ(kind("\x89HDF\r\n\x1a\n"), FileKind::hdf5);
  EXPECT_EQ(kind("GGUF\3\0\0\0"s), FileKind::gguf);
  EXPECT_EQ(kind(std::string(257, '\0') + "ustar" + std::string(250, '\0')), FileKind::tar);
  EXPECT_EQ(kind("\x02\0\0\0\0\0\0\0{}"s), FileKind::safetensors);
  EXPECT_EQ(kind("\x01\x02\x03\xff"), FileKind::unknown);
  // ir_version 8, a graph with a name, an opset
  EXPECT_EQ(kind("\x08\x08\x3a\x03\x12\x01g\x42\x02\x10\x11"), FileKind::onnx);
  EXPECT_EQ(kind("\x08\x08\x3a\x7f"), FileKind::unknown);
  // specificationVersion 7, a description, an mlProgram (field 502)
  EXPECT_EQ(kind("\x08\x07\x12\x01\x0a\xb2\x1f\x01\x0a"), FileKind::coreml);
  EXPECT_EQ(kind("\x08\x07\x12\x01\x0a"), FileKind::unknown);
  EXPECT_EQ(kind("\x2c\0\0\0PTMF\0\0\0\0"s), FileKind::mobile_flatbuffer);
  EXPECT_EQ(kind("\x1c\0\0\0TFL3\0\0\0\0"s), FileKind::tflite);
}

TEST(Detect, ArchivesThatAreNoModel) {
  const Folder folder;
  const std::string path = folder.write("some.zip", "");
  auto zip = ZipWriter::create(path);
  ASSERT_TRUE(zip && zip->add("readme.txt", {}) && zip->finish());
  EXPECT_EQ(detected(path).kind, FileKind::zip);
  EXPECT_EQ(detected(path).detail, "1 entries, such as 'readme.txt'");
  const std::string lite = folder.write("lite.ptl", "");
  auto mobile = ZipWriter::create(lite);
  ASSERT_TRUE(mobile && mobile->add("lite/data.pkl", {}) && mobile->add("lite/bytecode.pkl", {}) &&
              mobile->finish());
  EXPECT_EQ(detected(lite).kind, FileKind::mobile_bytecode);
  const std::string package = folder.write("package.pt2", "");
  auto aoti = ZipWriter::create(package);
  ASSERT_TRUE(aoti && aoti->add("package/data/aotinductor/model/c.so", {}) && aoti->finish());
  EXPECT_EQ(detected(package).kind, FileKind::aoti_package);
}

TEST(Detect, TransformersWeightsHaveAConfigBesideThem) {
  const Folder folder;
  const std::string path = folder.write("pytorch_model.bin", contents("state_dict.pt"));
  EXPECT_EQ(detected(path).kind, FileKind::state_dict);
  folder.write("config.json", R"({"architectures": ["BertModel"], "model_type": "bert"})");
  EXPECT_EQ(detected(path).kind, FileKind::hugging_face);
  EXPECT_EQ(detected(path).class_name, "BertModel");
}

TEST(Detect, DamagedFilesAreErrors) {
  const Folder folder;
  for (const char* name : {"traced.pt", "state_dict_legacy.pt", "module_legacy.pt"}) {
    const std::string whole = contents(name);
    const auto result = detect_path(folder.write("cut", whole.substr(0, whole.size() / 3)));
    ASSERT_FALSE(result) << name;
    expect_complete(result.error());
  }
}

TEST(NoProgram, SaysWhatItIsAndPrintsAScript) {
  const auto error = [](const char* name) {
    return no_program(detected(testdata(name)), "dir/my \"model\".pt");
  };
  for (const char* name :
       {"state_dict.pt", "module.pt", "lightning.ckpt", "values_2.pkl", "arrays.npz", "make.py"}) {
    const Error e = error(name);
    expect_complete(e);
    EXPECT_EQ(e.kind, ErrorKind::bad_file);
    EXPECT_NE(e.hint.find("torch.export.save("), std::string::npos) << e.hint;
    EXPECT_NE(e.hint.find("torch.jit.trace("), std::string::npos) << e.hint;
  }
  EXPECT_NE(
      error("state_dict.pt").hint.find("load_state_dict(torch.load(\"dir/my \\\"model\\\".pt\""),
      std::string::npos);
  EXPECT_NE(error("lightning.ckpt").hint.find("load_from_checkpoint"), std::string::npos);
  EXPECT_NE(error("module.pt").why.find("__main__.Small"), std::string::npos);
  for (int kind = 0; kind <= static_cast<int>(FileKind::unknown); ++kind) {
    const auto k = static_cast<FileKind>(kind);
    EXPECT_FALSE(describe(k).empty());
    if (!holds_program(k)) expect_complete(no_program({.kind = k}, "file"));
  }
}

}  // namespace
}  // namespace tenon::archive
