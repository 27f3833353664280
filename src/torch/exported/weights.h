// The weights, constants and example inputs that lie beside an exported program's JSON.
#pragma once

#include <string>

#include "archive/zip.h"
#include "torch/exported/program.h"

namespace tenon::torch::exported {

// Names of entries; empty where the file has none.
struct FileLayout {
  std::string model;           // the program's name
  std::string program;         // its JSON
  std::string weights_folder;  // with slash at its end
  std::string weights_config;  // JSON: where each weight lies
  std::string weights_file;    // instead: all of them in one file of torch.save
  std::string constants_folder, constants_config, constants_file;
  std::string samples_file;  // of torch.save: (args, kwargs)
  bool big_endian = false;
};

// Fails where the archive holds no exported program, or several.
Result<FileLayout> find_layout(const archive::ZipReader& zip);

Status read_weights(const archive::ZipReader& zip, const FileLayout& layout, Program& out);

}  // namespace tenon::torch::exported
