// TorchScript source and the types and schemas that it names.
#include "torch/schema.h"
#include "torch/script/parser.h"

using namespace tenon;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)torch::script::parse(text);
  (void)torch::parse_type(text.substr(0, 200));
  (void)torch::parse_schema(text.substr(0, 400));
  return 0;
}
