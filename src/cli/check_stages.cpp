#include "cli/check_stages.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

#include "api/engine_file.h"
#include "api/precision.h"
#include "api/tensorrt.h"
#include "archive/npy.h"
#include "archive/zip.h"
#include "base/scratch_folder.h"
#include "cli/live_torch.h"
#include "cli/sizes_to_check.h"
#include "cli/summary.h"
#include "onnx/reader.h"
#include "onnx/writer.h"
#include "passes/compare.h"
#include "passes/passes.h"
#include "targets/cpu/bind.h"

namespace tenon::cli {
namespace {

using numerics::Verdict;
using Tensors = std::vector<Tensor>;

constexpr std::string_view kRecordedEntry = "/extra/tenon.npz";
constexpr std::string_view kOwnReference = "tenon-ir only";

// The bytes that hexadecimal digits stand for; nullopt where the text is something else.
std::optional<std::string> from_hex(std::string_view text) {
  std::string out;
  if (text.size() % 2 != 0) return std::nullopt;
  for (size_t i = 0; i < text.size(); i += 2) {
    uint8_t value = 0;
    const char *from = text.data() + i, *to = from + 2;
    if (const auto [end, error] = std::from_chars(from, to, value, 16); end != to)
      return std::nullopt;
    out += static_cast<char>(value);
  }
  return out;
}

// What torch.jit.save and torch.export.save were given as extra file `tenon.npz`. The latter takes
// text only, so there it is written in hexadecimal digits.
Result<std::vector<NamedTensor>> recorded_in(const std::string& model) {
  auto zip = archive::ZipReader::open(model);
  if (!zip) return std::vector<NamedTensor>{};  // no archive, so nothing recorded
  for (const archive::ZipEntry& entry : zip->entries()) {
    if (!entry.name.ends_with(kRecordedEntry)) continue;
    archive::Blob bytes = TRY(zip->read(entry));
    if (const auto binary = from_hex(bytes.text())) bytes = TRY(archive::copy_blob(*binary));
    return archive::parse_npz(bytes, model + " (tenon.npz)");
  }
  return std::vector<NamedTensor>{};
}

bool is_not_output(const NamedTensor& tensor) { return !tensor.name.starts_with("output_"); }

Result<Tensors> match_outputs(const ir::Graph& graph, const std::vector<NamedTensor>& given,
                              const std::string& file) {
  Tensors out;
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    const std::string& wanted = graph.outputs()[i]->name;
    auto found = std::ranges::find(given, wanted, &NamedTensor::name);
    if (found == given.end())
      found = std::ranges::find(given, fmt::format("output_{}", i), &NamedTensor::name);
    if (found == given.end())
      found = std::ranges::find(given, fmt::format("arr_{}", i), &NamedTensor::name);
    if (found == given.end()) {
      std::string names;
      for (const NamedTensor& t : given) names += (names.empty() ? "" : ", ") + t.name;
      return fail({.kind = ErrorKind::usage,
                   .what = fmt::format("the expected output '{}' is missing", wanted),
                   .where = {.file = file},
                   .why = fmt::format("the file holds {}", names.empty() ? "nothing" : names),
                   .hint = fmt::format("save it as '{}' or as output_{}", wanted, i)});
    }
    out.push_back(found->tensor);
  }
  return out;
}

class Check {
 public:
  Check(const CheckRequest& request, const api::Tables& tables,
        const std::function<void(double, std::string_view)>& progress)
      : request_(request), tables_(tables), progress_(progress) {}

  Result<Checked> run() {
    TRY(load());
    TRY(check_ir());
    if (!diverged()) TRY(check_onnx());
    if (!diverged()) TRY(check_engine());
    for (const std::string& file : request_.against) {
      const Status ran = api::is_engine(file) ? check_tensorrt(file) : check_file(file);
      if (ran) continue;
      out_.stopped = ran.error();
      break;
    }
    return std::move(out_);
  }

 private:
  bool diverged() const {
    return std::ranges::any_of(out_.stages, [](const CheckedStage& stage) {
      return stage.report.verdict() == Verdict::diverges;
    });
  }

  Status load() {
    progress_(0, "reading the model");
    api::LoadOptions reading = TRY(with_ranges(request_.reading));
    reading.examples = TRY(request_.inputs.read());
    const std::vector<NamedTensor> recorded = TRY(recorded_in(request_.model));
    if (reading.examples.empty()) {
      std::ranges::copy_if(recorded, std::back_inserter(reading.examples), is_not_output);
    }
    loaded_ = TRY(api::load_graph(request_.model, reading, tables_));
    const ir::Graph& graph = *loaded_.graph;
    out_.sizes = sizes_verdict(graph);
    if (request_.inputs.random() && !recorded.empty())
      inputs_ = TRY(recorded_inputs(graph, recorded));
    else
      inputs_ = TRY(request_.inputs.make(graph, reading.examples, reading.import.shapes));
    names_ = api::output_names(graph);
    out_.reference = "recorded";
    if (request_.with_torch) {
      TRY(ask_torch(reading));
    } else if (!request_.expected.empty()) {
      reference_ =
          TRY(match_outputs(graph, TRY(archive::read_npz(request_.expected)), request_.expected));
    } else if (!recorded.empty() && request_.inputs.random()) {
      reference_ = TRY(match_outputs(graph, recorded, request_.model));
    } else {
      out_.reference = kOwnReference;
    }
    if (!request_.expected.empty() && request_.inputs.random() && recorded.empty()) {
      return fail({.kind = ErrorKind::usage,
                   .what = "the expected outputs have no inputs",
                   .where = {.file = request_.expected},
                   .why = "--expected was given without --inputs",
                   .hint = "give the inputs that PyTorch computed them from with --inputs IN.npz"});
    }
    return {};
  }

  // An engine's sizes vary as its profiles say, and so do the model's where nobody says otherwise.
  Result<api::LoadOptions> with_ranges(api::LoadOptions reading) const {
    if (!reading.import.shapes.empty() || !reading.import.dynamic.empty()) return reading;
    const auto engine = std::ranges::find_if(request_.against, api::is_engine);
    if (engine != request_.against.end())
      reading.import.shapes = TRY(api::ranges_of(TRY(api::open_engine(*engine)).about));
    return reading;
  }

  Status ask_torch(const api::LoadOptions& reading) {
    progress_(0.05, "running PyTorch");
    LiveOutputs outputs = TRY(torch_outputs(reading, inputs_));
    reference_ = std::move(outputs.tensors);
    out_.reference = fmt::format("torch {} (live)", outputs.version);
    return {};
  }

  Result<LiveOutputs> torch_outputs(const api::LoadOptions& reading, const Tensors& inputs) const {
    LiveRequest live{.python = request_.python,
                     .model = request_.model,
                     .method = reading.import.method,
                     .settings = reading.import.settings,
                     .inputs = {}};
    for (size_t i = 0; i < inputs.size(); ++i)
      live.inputs.push_back({loaded_.graph->inputs()[i]->name, inputs[i]});
    LiveOutputs outputs = TRY(run_in_torch(live));
    if (outputs.tensors.size() != names_.size()) {
      return fail({.kind = ErrorKind::negative,
                   .what = fmt::format("PyTorch gives {} outputs, the model as read has {}",
                                       outputs.tensors.size(), names_.size()),
                   .where = {.file = request_.model},
                   .why = "a part of what the program returns was read otherwise",
                   .hint = "give the outputs by name with --expected"});
    }
    return outputs;
  }

  // The file's own example inputs; its other arrays are outputs.
  Result<Tensors> recorded_inputs(const ir::Graph& graph,
                                  const std::vector<NamedTensor>& recorded) const {
    std::vector<NamedTensor> inputs;
    for (const NamedTensor& tensor : recorded) {
      const bool named = std::ranges::any_of(
          graph.inputs(), [&](const ir::Value* input) { return input->name == tensor.name; });
      if (named || tensor.name.starts_with("input_")) inputs.push_back(tensor);
    }
    return api::match_inputs(graph, inputs, request_.model + " (tenon.npz)");
  }

  Result<Tensors> reference_of(const ir::Graph& graph) const {
    return reference_at(graph, inputs_);
  }
  Result<Tensors> reference_at(const ir::Graph& graph, const Tensors& inputs) const {
    return TRY(api::reference_outputs(graph, inputs, {.threads = request_.compiling.threads},
                                      tables_))
        .outputs;
  }

  numerics::ToleranceOptions tolerances() const {
    return api::tolerances_for(*loaded_.graph, request_.tolerances);
  }

  Result<CheckedStage> compared(std::string stage, const Tensors& outputs) const {
    return compared(std::move(stage), outputs, reference_);
  }
  Result<CheckedStage> compared(std::string stage, const Tensors& outputs, const Tensors& reference,
                                DType precision = DType::f32) const {
    CheckedStage out{.report = {.stage = std::move(stage), .reference = out_.reference}};
    out.report.outputs = TRY(api::compare_outputs(
        names_, outputs, reference, api::tolerances_of(precision, tolerances()),
        api::random_outputs(*loaded_.graph, tables_.ops)));
    return out;
  }

  numerics::Tolerance inner_tolerance() const {
    return numerics::tolerance_of(tolerances(), "", SIZE_MAX, DType::f32);
  }

  Status check_ir() {
    progress_(0.1, "computing the reference");
    api::Reference ir = TRY(api::reference_outputs(
        *loaded_.graph, inputs_, {.threads = request_.compiling.threads}, tables_));
    if (out_.reference == kOwnReference) {
      reference_ = ir.outputs;
      out_.stages.push_back({.report = {.stage = "IR", .reference = out_.reference},
                             .note = ir.name + "; the reference of the stages below"});
      return {};
    }
    CheckedStage stage = TRY(compared("IR", ir.outputs));
    stage.note = ir.name;
    out_.stages.push_back(std::move(stage));
    return {};
  }

  Result<std::unique_ptr<ir::Graph>> through_onnx(const ir::Graph& graph) const {
    const ScratchFolder folder = TRY(ScratchFolder::make());
    const std::string path = folder.file("model.onnx");
    TRY(onnx::write(graph, path, {.opset = request_.opset}, tables_.ops, tables_.onnx));
    auto back = TRY(onnx::read(path, {}, tables_.ops, tables_.onnx));
    TRY(passes::canonicalise(*back, {tables_.ops, tables_.refs}));
    return back;
  }

  Status check_onnx() {
    progress_(0.5, "writing ONNX and reading it back");
    const auto back = TRY(through_onnx(*loaded_.graph));
    const std::string stage_name =
        fmt::format("ONNX opset {}, written and read back", request_.opset);
    if (passes::digest(*back) == passes::digest(*loaded_.graph)) {
      out_.stages.push_back({.report = {.stage = stage_name, .reference = out_.reference},
                             .note = "the graph read back is the same"});
      return {};
    }
    CheckedStage stage = TRY(compared(stage_name, TRY(reference_of(*back))));
    stage.note = "another graph than the model's, so computed again";
    if (stage.report.verdict() == Verdict::diverges) {
      stage.divergence = TRY(api::first_divergence(
          *loaded_.graph,
          [&](ir::Graph& graph) -> Result<Tensors> {
            return reference_of(*TRY(through_onnx(graph)));
          },
          [&](ir::Graph& graph) { return reference_of(graph); }, inner_tolerance()));
    }
    out_.stages.push_back(std::move(stage));
    return {};
  }

  Result<Tensors> engine_outputs(ir::Graph& graph, const api::CompileOptions& options) const {
    const cpu::Engine engine = TRY(api::compile(graph, options, tables_));
    cpu::Context context = engine.new_context();
    return context.run(inputs_);
  }

  Status check_engine() {
    progress_(0.7, "running the engine");
    const auto copy = ir::clone(*loaded_.graph);
    const cpu::Engine engine = TRY(api::compile(*copy, request_.compiling, tables_));
    cpu::Context context = engine.new_context();
    CheckedStage stage = TRY(compared("CPU engine", TRY(context.run(inputs_))));
    if (stage.report.verdict() == Verdict::diverges) TRY(explain(stage));
    out_.stages.push_back(std::move(stage));
    return check_sensitivity(context);
  }

  // Names the node at fault, or the optimisation.
  Status explain(CheckedStage& stage) const {
    progress_(0.8, "looking for the node that diverges");
    stage.divergence = TRY(api::first_divergence(
        *loaded_.graph, [&](ir::Graph& graph) { return engine_outputs(graph, request_.compiling); },
        [&](ir::Graph& graph) { return reference_of(graph); }, inner_tolerance()));
    if (stage.divergence) return {};
    for (const std::string& name : api::optimisation_names()) {
      api::CompileOptions without = request_.compiling;
      without.disabled.push_back(name);
      const auto copy = ir::clone(*loaded_.graph);
      const auto outputs = engine_outputs(*copy, without);
      if (!outputs) continue;
      const auto again = TRY(compared("", *outputs));
      if (again.report.verdict() == Verdict::diverges) continue;
      stage.culprit = name;
      break;
    }
    return {};
  }

  // Other inputs have to give other outputs.
  Status check_sensitivity(cpu::Context& context) {
    if (inputs_.empty()) return {};
    const auto before = TRY(context.run(inputs_));
    const auto sizes = cpu::bind_inputs(*loaded_.graph, inputs_);
    if (!sizes) return {};
    const auto others =
        api::random_inputs(*loaded_.graph, {.seed = request_.inputs.seed + 1, .sizes = *sizes});
    if (!others) return {};
    const auto after = context.run(*others);
    if (!after) return {};  // the model does not take such values, so it does look at them
    for (size_t i = 0; i < before.size() && i < after->size(); ++i) {
      const numerics::Tolerance tolerance =
          numerics::tolerance_of(tolerances(), names_[i], i, before[i].dtype());
      if (numerics::compare((*after)[i], before[i], tolerance).verdict == Verdict::diverges)
        return {};
    }
    out_.insensitive = "no output reacts to the inputs";
    return {};
  }

  Status check_file(const std::string& file) {
    progress_(0.9, file);
    api::LoadOptions reading = request_.reading;
    const api::Session session = TRY(api::open_session(file, reading, request_.compiling, tables_));
    const ir::Graph& graph = session.engine.graph();
    const Tensors inputs = TRY(inputs_for(graph, inputs_, file));
    cpu::Context context = session.engine.new_context();
    auto outputs = context.run(inputs);
    if (!outputs) return fail(with_where(std::move(outputs).error(), {.file = file}));
    auto stage = compared(file, *outputs);
    if (!stage) return fail(with_where(std::move(stage).error(), {.file = file}));
    out_.stages.push_back(std::move(*stage));
    return {};
  }

  // The model's inputs as a file made from it takes them: by name where the names are the model's.
  Result<Tensors> inputs_for(const ir::Graph& graph, const Tensors& inputs,
                             const std::string& file) const {
    std::vector<NamedTensor> named;
    for (size_t i = 0; i < inputs.size(); ++i)
      named.push_back({loaded_.graph->inputs()[i]->name, inputs[i]});
    const bool same_names = std::ranges::all_of(graph.inputs(), [&](const ir::Value* input) {
      return std::ranges::find(named, input->name, &NamedTensor::name) != named.end();
    });
    if (same_names) return api::match_inputs(graph, named, file);
    for (size_t i = 0; i < named.size(); ++i) named[i].name = fmt::format("input_{}", i);
    return api::match_inputs(graph, named, file);
  }

  // Where inputs are made up, also at the ends of the engine's ranges and in between.
  Result<std::vector<SizedInputs>> sets_for(const api::EngineFile& engine) const {
    std::vector<SizedInputs> sets{{"", inputs_}};
    const bool made_up = request_.inputs.random() &&
                         (out_.reference == kOwnReference || request_.with_torch) &&
                         !engine.inputs->symbols.empty();
    if (!made_up) return sets;
    api::RandomOptions options{.seed = request_.inputs.seed};
    if (!request_.inputs.range.empty())
      options.range = TRY(api::parse_value_range(request_.inputs.range));
    std::vector<SizedInputs> all = TRY(inputs_over_ranges(*loaded_.graph, options));
    std::erase_if(all, [&](const SizedInputs& set) {
      const auto inputs = inputs_for(*engine.inputs, set.inputs, engine.path);
      return !inputs || !api::fitting_profile(engine, *inputs);
    });
    return all.empty() ? sets : all;
  }

  Result<Tensors> reference_for(const SizedInputs& set) const {
    if (set.at.empty()) return reference_;
    if (!request_.with_torch) return reference_at(*loaded_.graph, set.inputs);
    return TRY(torch_outputs(request_.reading, set.inputs)).tensors;
  }

  Status check_tensorrt(const std::string& file) {
    const api::EngineFile engine = TRY(api::open_engine(file));
    const std::vector<SizedInputs> sets = TRY(sets_for(engine));
    tensorrt::RunRequest run{.engine = file,
                             .about = engine.about,
                             .sets = {},
                             .verbose = request_.verbose,
                             .limits = TRY(request_.tensorrt.limits()),
                             .progress = progress_};
    for (const SizedInputs& set : sets) {
      Tensors inputs = TRY(inputs_for(*engine.inputs, set.inputs, file));
      const size_t profile = TRY(api::fitting_profile(engine, inputs));
      run.sets.push_back({profile, std::move(inputs)});
    }
    const tensorrt::RunReport report =
        TRY(tensorrt::run({.interpreter = request_.tensorrt.python}, run));
    const DType precision = api::precision_from_name(engine.about.precision);
    for (size_t i = 0; i < sets.size(); ++i) {
      const std::string stage = sets[i].at.empty() ? file : file + " at " + sets[i].at;
      auto compared_set =
          compared(stage, report.sets[i].outputs, TRY(reference_for(sets[i])), precision);
      if (!compared_set) return fail(with_where(std::move(compared_set).error(), {.file = file}));
      compared_set->note = fmt::format("{} on {} ({})", report.module.title(), report.gpu.name,
                                       report.gpu.capability);
      out_.stages.push_back(std::move(*compared_set));
    }
    return {};
  }

  const CheckRequest& request_;
  const api::Tables& tables_;
  const std::function<void(double, std::string_view)>& progress_;
  api::Loaded loaded_;
  Tensors inputs_, reference_;
  std::vector<std::string> names_;
  Checked out_;
};

}  // namespace

Result<Checked> check_stages(const CheckRequest& request, const api::Tables& tables,
                             const std::function<void(double, std::string_view)>& progress) {
  return Check(request, tables, progress).run();
}

}  // namespace tenon::cli
