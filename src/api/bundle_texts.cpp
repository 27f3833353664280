#include "api/bundle_texts.h"

#include <fmt/format.h>

#include "targets/tensorrt/scripts.h"

namespace tenon::api {
namespace {

std::string command(const std::vector<std::string>& words) {
  std::string out = "\"$trtexec\"";
  for (const std::string& word : words) out += " \\\n  " + tensorrt::shell_quoted(word);
  return out;
}

// The same for the second model.
std::vector<std::string> bisecting(std::vector<std::string> words) {
  for (std::string& word : words) {
    if (word == "--onnx=model.onnx") word = "--onnx=model_bisect.onnx";
    if (word == "--saveEngine=model.engine") word = "--saveEngine=model_bisect.engine";
  }
  return words;
}

std::string_view triton_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "TYPE_FP32";
    case DType::f16:
      return "TYPE_FP16";
    case DType::bf16:
      return "TYPE_BF16";
    case DType::i8:
      return "TYPE_INT8";
    case DType::u8:
      return "TYPE_UINT8";
    case DType::i32:
      return "TYPE_INT32";
    case DType::i64:
      return "TYPE_INT64";
    case DType::boolean:
      return "TYPE_BOOL";
    default:
      return "TYPE_INVALID";
  }
}

std::string triton_tensors(std::string_view field, std::span<ir::Value* const> values) {
  std::string out = fmt::format("{} [\n", field);
  for (size_t i = 0; i < values.size(); ++i) {
    std::string dims;
    for (const ir::Dim& dim : values[i]->shape().value_or(ir::Shape{}))
      dims += fmt::format("{}{}", dims.empty() ? "" : ", ", dim.constant().value_or(-1));
    out += fmt::format("  {{ name: \"{}\" data_type: {} dims: [ {} ] }}{}\n", values[i]->name,
                       triton_type(values[i]->dtype()), dims, i + 1 < values.size() ? "," : "");
  }
  return out + "]\n";
}

}  // namespace

std::string build_script(const Bundle& bundle, const std::vector<std::string>& words) {
  return fmt::format(R"(#!/bin/sh
# Builds model.engine from model.onnx for {target}, in {precision}.
#   ./build.sh           the engine
#   ./build.sh bisect    model_bisect.engine too, whose outputs are the ends of all modules
# TRTEXEC names another trtexec than the one on PATH or in NVIDIA's usual place.
set -eu
cd "$(dirname "$0")"
trtexec=${
    {
    TRTEXEC:
      -$(command - v trtexec || echo / usr / src / tensorrt / bin / trtexec)
    }}
if [ ! -x "$trtexec" ]; then
  echo "there is no trtexec on PATH or at $trtexec: set TRTEXEC to where it is" >&2
  exit 4
fi
{
    build}
if [ "${{1:-}}" = bisect ]; then
  {bisect}
fi
)",
                     fmt::arg("target", bundle.target), fmt::arg("precision", bundle.precision),
                     fmt::arg("build", command(words)),
                     fmt::arg("bisect", command(bisecting(words))));
}

std::string verify_script() { return tensorrt::verify_program(); }

std::string bundle_readme(const Bundle& bundle, const std::vector<std::string>& words,
                          const tensorrt::Release& release) {
  std::string shown;
  for (const std::string& word : words) shown += " \\\n  " + tensorrt::shell_quoted(word);
  const bool untyped = !tensorrt::abilities(release).strongly_typed && bundle.precision != "fp32";
  const std::string note =
      untyped ? "\nNetworks of this release have no types of their own: half precision is allowed, "
                "and the layers that\nmust stay in fp32 are told one by one. The numerics need not "
                "be those of a typed network.\n"
              : "";
  return fmt::format(R"(# {model} for {target}

Written by Tenon: {precision}, ONNX opset {opset}. On the machine with TensorRT:

```sh
./build.sh          # model.engine, by trtexec
python3 verify.py   # runs the samples, compares, writes results.npz
```

`verify.py` needs TensorRT's Python module and NumPy. Where it says that an output is wrong:

```sh
./build.sh bisect
python3 verify.py --bisect
```

gives the results of every module as well. Back where Tenon is:

```sh
tenon check THIS_FOLDER --results results.npz
```

says which module and source line went wrong first.

| file | |
| --- | --- |
| `model.onnx` | the model, with the type of every value spelled out |
| `model_bisect.onnx` | the same with the ends of its modules as outputs |
| `samples/` | inputs, and the outputs of the fp32 model |
| `bundle.json` | what all of this is: release, shapes, tolerances, modules |

The engine is built with:

```sh
trtexec{words}
```
{note})",
                     fmt::arg("model", bundle.model), fmt::arg("target", bundle.target),
                     fmt::arg("precision", bundle.precision), fmt::arg("opset", bundle.opset),
                     fmt::arg("words", shown), fmt::arg("note", note));
}

std::string triton_config(const std::string& model, const ir::Graph& typed,
                          const std::vector<tensorrt::Profile>& profiles) {
  std::string out = fmt::format(
      "# Put model.engine beside this file as 1/model.plan.\nname: \"{}\"\nplatform: "
      "\"tensorrt_plan\"\nmax_batch_size: 0\n",
      model);
  out += triton_tensors("input", typed.inputs()) + triton_tensors("output", typed.outputs());
  std::string names;
  for (size_t i = 0; i < profiles.size(); ++i)
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", i);
  if (profiles.size() > 1)
    out += fmt::format("instance_group [ {{ kind: KIND_GPU profile: [ {} ] }} ]\n", names);
  return out;
}

}  // namespace tenon::api
