// A TorchScript program as its archive holds it: source files parsed on demand, classes and
// functions by qualified name, the root object, the constants.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "archive/source_ranges.h"
#include "archive/torch_archive.h"
#include "torch/machine.h"
#include "torch/script/ast.h"

namespace tenon::torch {

struct CodeFile {
  std::string path;  // "code/__torch__/torchvision/models/resnet.py"
  archive::Blob text;
  script::File ast;
  archive::SourceRanges ranges;
};

struct FoundClass {
  const CodeFile* file = nullptr;
  const script::Class* definition = nullptr;
};
struct FoundFunction {
  const CodeFile* file = nullptr;
  const script::Function* definition = nullptr;
};

class Program {
 public:
  static Result<Program> open(const std::string& path);
  static Result<Program> open(archive::TorchArchive archive);

  const std::string& path() const { return archive_.path(); }
  const archive::TorchArchive& archive() const { return archive_; }
  bool traced() const { return archive_.has("traced_inputs.pkl"); }

  // By qualified name, "__torch__.torchvision.models.resnet.ResNet"; null definitions where there
  // is none.
  Result<FoundClass> find_class(const std::string& qualified);
  Result<FoundFunction> find_function(const std::string& qualified);

  // Makes the root object's attributes, parameters and submodules in the machine's state.
  Result<Value> load_root(Machine& m) const;
  Result<std::vector<Value>> load_constants(Machine& m) const;

  // Names of the operators that the code calls, "aten::conv2d", with how often and where first;
  // methods that are never called count too.
  struct UsedOperator {
    size_t count = 0;
    std::string source;
  };
  Result<std::map<std::string, UsedOperator>> used_operators();

 private:
  explicit Program(archive::TorchArchive archive) : archive_(std::move(archive)) {}
  Result<const CodeFile*> file(const std::string& module);

  archive::TorchArchive archive_;
  std::map<std::string, std::unique_ptr<CodeFile>>
      files_;  // by module name; null where there is no such file
};

}  // namespace tenon::torch
