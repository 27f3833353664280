// From a PyTorch file to a graph: .pt of torch.jit.save (traced or scripted) and .pt2 of
// torch.export.save.
#pragma once

#include <map>

#include "base/shape_spec.h"
#include "torch/lowering.h"

namespace tenon::torch {

struct ImportOptions {
  Mode mode = Mode::automatic;
  std::string method = "forward";
  // Shapes of inputs; those that are left out come from the example inputs that the file records.
  std::vector<InputSpec> shapes;
  // Dimensions that are dynamic, on top of the shapes: a named dimension is dynamic, any other
  // entry is ignored.
  std::vector<InputSpec> dynamic;
  std::map<std::string, std::string>
      settings;  // --set ARG=VALUE: Python arguments that are no tensors
  std::vector<std::string> input_names, output_names;  // instead of the program's own
  // Whether what a call leaves behind in the module, buffers and attributes, becomes inputs and
  // outputs of the graph; otherwise it is forgotten.
  bool keep_state = true;
  // Further traces of the same module at other sizes, which tell constants from sizes.
  std::vector<std::string> also_traced_at;
  // What computes numbers that the program derives from constants alone, such as a scale from sizes
  // that are fixed; without it such numbers depend on data.
  const ir::RefKernels* kernels = nullptr;
  int64_t max_steps = 50'000'000;  // statements that are evaluated before it is given up
};

struct Imported {
  std::unique_ptr<ir::Graph> graph;  // well formed and typed, not yet simplified
  std::vector<Notice> notices;
  // Constants of a trace that may be sizes of its example. What the graph computes at other sizes
  // is as the program's own where it is not a trace (`Graph::metadata` has kSizesKey otherwise).
  std::vector<Notice> suspicions;
};

// The metadata entry that says of a graph with dynamic sizes what stands for it at sizes other than
// the trace's: kUnproven, or "agrees with 2 traces".
inline constexpr std::string_view kSizesKey = "tenon.dynamic_sizes";
inline constexpr std::string_view kUnproven = "unproven";

// Takes either kind of file. All operators that cannot be converted are reported in one error.
Result<Imported> import_program(const std::string& path, const ImportOptions& options,
                                const ir::OpSet& ops, const Lowerings& lowerings);

class Program;
namespace exported {
struct Program;
}
Result<Imported> import_torchscript(const std::string& path, const ImportOptions& options,
                                    const ir::OpSet& ops, const Lowerings& lowerings);
Result<Imported> import_exported(const std::string& path, const ImportOptions& options,
                                 const ir::OpSet& ops, const Lowerings& lowerings);
// From programs that have been read.
Result<Imported> import_torchscript(Program& program, const ImportOptions& options,
                                    const ir::OpSet& ops, const Lowerings& lowerings);
Result<Imported> import_exported(const exported::Program& program, const std::string& path,
                                 const ImportOptions& options, const ir::OpSet& ops,
                                 const Lowerings& lowerings);

// --- shared by both (inputs.cpp)

// The shape and type that an input gets: what the options say by name or position, over what the
// file records.
struct InputForm {
  DType dtype = DType::f32;
  Shape shape;
};
Result<InputForm> input_form(ir::Graph& graph, const std::string& name, size_t position,
                             const std::optional<InputForm>& recorded,
                             const ImportOptions& options);
// Adds an input to the graph; complex ones as their parts.
Value input_tensor(Machine& m, const std::string& name, const InputForm& form);
// Fails where the options name an input that the program does not have.
Status check_names(const ImportOptions& options, const std::vector<std::string>& inputs);
// Declares a dynamic dimension; the same name means the same size.
Result<Dim> declare_dimension(ir::Graph& graph, const DimSpec& spec);
// Gives the inputs' symbols their sources.
void bind_symbols(ir::Graph& graph);
// Flattens a program's result into the graph's outputs, with readable names.
Status add_outputs(Machine& m, const Value& result, const ImportOptions& options);
// One error from everything that was found, or success.
Status report_problems(const Machine& m, const std::string& path);

}  // namespace tenon::torch
