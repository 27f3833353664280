#include "api/public_state.h"
#include "onnx/writer.h"

namespace tenon {

std::vector<ValueInfo> detail::describe(std::span<ir::Value* const> values) {
  std::vector<ValueInfo> out;
  for (const ir::Value* value : values) {
    ValueInfo info{.name = value->name, .dtype = value->dtype(), .shape = {}};
    if (value->shape()) {
      for (const ir::Dim& dim : *value->shape()) info.shape.push_back(dim.str());
    }
    out.push_back(std::move(info));
  }
  return out;
}

Result<Model> Model::load(const std::string& path, const ModelOptions& options) {
  auto state = std::make_shared<detail::ModelState>();
  state->tables = api::make_tables();
  api::LoadOptions reading;
  reading.import.shapes = TRY(parse_shapes(options.shapes));
  reading.import.dynamic = TRY(parse_shapes(options.dynamic));
  reading.import.settings = options.settings;
  reading.import.input_names = options.input_names;
  reading.import.output_names = options.output_names;
  state->loaded = TRY(api::load_graph(path, reading, state->tables));
  return Model(std::move(state));
}

Status Model::write_onnx(const std::string& path, int opset) const {
  if (opset < onnx::kOldestWritable || opset > onnx::newest_opset()) {
    return fail(
        {.kind = ErrorKind::usage,
         .what = fmt::format("there is no opset {} to write", opset),
         .why = fmt::format("opsets are {} to {}", onnx::kOldestWritable, onnx::newest_opset()),
         .hint = "17 is taken by most runtimes"});
  }
  TRY(onnx::write(*state_->loaded.graph, path, {.opset = opset}, state_->tables.ops,
                  state_->tables.onnx));
  return {};
}

std::vector<ValueInfo> Model::inputs() const {
  return detail::describe(state_->loaded.graph->inputs());
}

std::vector<ValueInfo> Model::outputs() const {
  return detail::describe(state_->loaded.graph->outputs());
}

std::vector<std::string> Model::notices() const {
  std::vector<std::string> out;
  for (const torch::Notice& notice : state_->loaded.notices) out.push_back(notice.text);
  for (const torch::Notice& notice : state_->loaded.suspicions) out.push_back(notice.text);
  return out;
}

}  // namespace tenon
