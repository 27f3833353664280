// trtexec's own flags: all that its releases 8.2 to 11.1 know, each with what becomes of it here.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tenon::cli {

struct TrtexecOptions {
  std::string onnx, save_engine, load_engine;
  // Of each profile, the first where --profile is not given.
  std::vector<std::string> min_shapes{""}, opt_shapes{""}, max_shapes{""};
  std::string shapes;       // of the inference
  std::string load_inputs;  // "x:x.bin,y:y.bin"
  // Precisions that may be used beside fp32.
  bool fp16 = false, bf16 = false, int8 = false, best = false, strongly_typed = false;
  std::string calib;
  bool tf32 = true;  // trtexec's default
  std::string layer_precisions, layer_output_types, precision_constraints = "none";
  std::string input_formats, output_formats;
  std::map<std::string, uint64_t> memory_pools;  // bytes, by TensorRT's names
  std::map<std::string, int64_t> settings;       // of the builder, by its attributes
  std::vector<std::string> builder_flags;        // BuilderFlag
  std::string timing_cache, profiling_verbosity = "LAYER_NAMES_ONLY";
  std::vector<std::string> plugins;
  std::optional<int> dla_core;
  bool gpu_fallback = false;
  int device = 0;
  // Inference.
  bool skip_inference = false, cuda_graph = false, spin_wait = false, no_transfers = false;
  int iterations = 10, average_runs = 10, profile_index = 0;
  double warm_up_ms = 200, duration_s = 3, sleep_ms = 0, idle_ms = 0;
  std::vector<double> percentiles = {90, 95, 99};
  bool dump_profile = false, dump_layers = false, dump_output = false, separate_profile = false;
  std::string export_times, export_output, export_profile, export_layers;
  bool verbose = false, help = false;
  // Tenon's own: an interpreter, the GPUs to build for.
  std::string python = "python3";
  std::vector<std::string> compute_capabilities;
  // What was said of flags that change nothing here.
  std::vector<std::string> remarks;
};

enum class FlagUse : uint8_t { taken, without_effect, refused };

struct TrtexecFlag {
  std::string_view name;  // "fp16"
  enum class Value : uint8_t { none, one, maybe } value = Value::none;
  FlagUse use = FlagUse::taken;
  // Of one without effect: why that is right; of a refused one: what to do instead.
  std::string_view note = {};
  Status (*take)(TrtexecOptions&, const std::string&) = nullptr;
};

std::span<const TrtexecFlag> trtexec_flags();

// The words after "tenon trtexec". Everything that is wrong with them comes in one error.
Result<TrtexecOptions> parse_trtexec(std::span<const std::string> words);

}  // namespace tenon::cli
