// run_model MODEL [OUT.onnx]: reads a model, writes it as ONNX where asked to, builds an engine of
// it, and runs that on inputs of rising numbers.
#include <cstdio>
#include <string>

#include "tenon/engine.h"
#include "tenon/model.h"

namespace {

int fail(const tenon::Error& error) {
  std::fputs(error.message().c_str(), stderr);
  return 1;
}

// A float tensor of the input's shape; sizes that vary are taken as 1.
tenon::Tensor rising(const tenon::ValueInfo& input) {
  tenon::Dims shape;
  for (const std::string& dim : input.shape) {
    const bool number = dim.find_first_not_of("0123456789") == std::string::npos;
    shape.push_back(number ? std::stoll(dim) : 1);
  }
  tenon::Tensor out = tenon::Tensor::zeros(input.dtype, shape);
  if (input.dtype == tenon::DType::f32) {
    float next = 0;
    for (float& element : out.mutable_values<float>()) element = (next += 0.01f);
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: run_model MODEL [OUT.onnx]\n", stderr);
    return 2;
  }
  const auto model = tenon::Model::load(argv[1]);
  if (!model) return fail(model.error());
  if (argc > 2) {
    if (const auto written = model->write_onnx(argv[2]); !written) return fail(written.error());
  }
  const auto engine = tenon::Engine::build(*model);
  if (!engine) return fail(engine.error());
  std::vector<tenon::Tensor> inputs;
  for (const tenon::ValueInfo& input : engine->inputs()) inputs.push_back(rising(input));
  tenon::Context context = engine->new_context();
  const auto outputs = context.run(inputs);
  if (!outputs) return fail(outputs.error());
  for (size_t i = 0; i < outputs->size(); ++i) {
    const tenon::Tensor& output = (*outputs)[i];
    std::printf("%s:", engine->outputs()[i].name.c_str());
    if (output.dtype() == tenon::DType::f32) {
      for (const float element : output.values<float>().first(std::min<size_t>(8, output.count())))
        std::printf(" %g", element);
    }
    std::printf("\n");
  }
  return 0;
}
