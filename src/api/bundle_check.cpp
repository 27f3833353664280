// What comes back from the machine that a bundle was for.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/bundle.h"
#include "api/inputs.h"
#include "archive/npy.h"
#include "numerics/widen.h"
#include "onnx/reader.h"

namespace tenon::api {
namespace {

const Tensor* find(const std::vector<NamedTensor>& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &NamedTensor::name);
  return found == tensors.end() ? nullptr : &found->tensor;
}

// The JSON text that verify.py puts into the archive as bytes.
std::string machine_of(const std::vector<NamedTensor>& results) {
  const Tensor* about = find(results, "about");
  if (about == nullptr || about->dtype() != DType::u8) return "";
  const auto bytes = about->bytes();
  const auto json = nlohmann::json::parse(
      std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), nullptr, false);
  if (json.is_discarded() || !json.is_object()) return "";
  return fmt::format("{} {}, {}", json.value("module", "TensorRT"), json.value("version", "?"),
                     json.value("gpu", "?"));
}

numerics::Tolerance tolerance_in(const Bundle& bundle, const std::string& output) {
  numerics::Tolerance out;
  if (const auto found = bundle.rtol.find(output); found != bundle.rtol.end())
    out.rtol = found->second;
  if (const auto found = bundle.atol.find(output); found != bundle.atol.end())
    out.atol = found->second;
  return out;
}

// Types may differ: f16 outputs of the other machine are compared with f32 ones.
OutputReport compared(const std::string& name, const Tensor& got, const Tensor& reference,
                      const numerics::Tolerance& tolerance) {
  return {name, numerics::compare(numerics::widened(got), numerics::widened(reference), tolerance),
          tolerance};
}

Result<StageReport> check_sample(const Bundle& bundle, const std::string& sample,
                                 const std::vector<NamedTensor>& expected,
                                 const std::vector<NamedTensor>& results,
                                 const std::string& results_path) {
  StageReport out{.stage = "sample " + sample, .reference = "recorded"};
  for (const auto& [name, reference] : expected) {
    const Tensor* got = find(results, sample + "/" + name);
    if (got == nullptr) {
      return fail({.kind = ErrorKind::bad_file,
                   .what = fmt::format("the results lack output {} of sample {}", name, sample),
                   .where = {.file = results_path},
                   .why = "the archive has no array of the name " + sample + "/" + name,
                   .hint = "run verify.py of this bundle on the other machine again"});
    }
    out.outputs.push_back(compared(name, *got, reference, tolerance_in(bundle, name)));
  }
  return out;
}

// The boundaries in the order in which they are computed, beside our own run of the same model.
Status bisect(const std::string& folder, const std::vector<NamedTensor>& results,
              const Tables& tables, BundleCheck& out) {
  const std::string prefix = "bisect/";
  if (std::ranges::none_of(results,
                           [&](const NamedTensor& t) { return t.name.starts_with(prefix); }))
    return {};
  out.bisected = true;
  const auto graph = TRY(onnx::read(folder + "/" + kBisectModel, {}, tables.ops, tables.onnx));
  const auto inputs =
      TRY(match_inputs(*graph, TRY(archive::read_npz(folder + "/samples/opt.inputs.npz")),
                       "samples/opt.inputs.npz"));
  const Reference reference = TRY(reference_outputs(*graph, inputs, {}, tables));
  const std::vector<std::string> names = output_names(*graph);
  for (const Boundary& boundary : out.bundle.boundaries) {
    const auto at = std::ranges::find(names, boundary.tensor);
    const Tensor* got = find(results, prefix + boundary.tensor);
    if (at == names.end() || got == nullptr) continue;
    const Tensor& wanted = reference.outputs[static_cast<size_t>(at - names.begin())];
    const DType type = precision_from_name(out.bundle.precision);
    const OutputReport report =
        compared(boundary.tensor, *got, wanted, numerics::default_tolerance(type));
    if (report.difference.verdict != numerics::Verdict::diverges) {
      out.last_good = boundary;
      continue;
    }
    out.first_bad = boundary;
    out.at_first_bad = report;
    return {};
  }
  return {};
}

}  // namespace

Result<BundleCheck> check_bundle(const std::string& folder, const std::string& results_path,
                                 const Tables& tables) {
  BundleCheck out;
  out.bundle = TRY(read_bundle(folder));
  const std::vector<NamedTensor> results = TRY(archive::read_npz(results_path));
  out.machine = machine_of(results);
  for (const std::string& sample : out.bundle.samples) {
    const auto expected = TRY(archive::read_npz(folder + "/samples/" + sample + ".expected.npz"));
    out.samples.push_back(TRY(check_sample(out.bundle, sample, expected, results, results_path)));
  }
  TRY(bisect(folder, results, tables, out));
  return out;
}

}  // namespace tenon::api
