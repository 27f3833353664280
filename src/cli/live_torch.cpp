#include "cli/live_torch.h"

#include <nlohmann/json.hpp>

#include "base/child_process.h"
#include "base/scratch_folder.h"

namespace tenon::cli {
namespace {

// Outputs are flattened as the converted model has them: containers in order, None left out.
constexpr const char* kScript = R"PYTHON(
import ast, json, sys
import numpy as np
import torch

model, inputs, outputs, method, settings = sys.argv[1:]

def tensor(array):
    if array.dtype.kind == "V":  # bfloat16, which NumPy does not know
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)

def array(value):
    value = torch.as_tensor(value).detach().cpu().contiguous()
    if value.dtype == torch.bfloat16:
        return value.view(torch.int16).numpy().view("V2")
    return value.resolve_conj().resolve_neg().numpy()

def leaves(value):
    if value is None:
        return []
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in leaves(part)]
    return [value]

def literal(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text

try:
    module = torch.jit.load(model, map_location="cpu").eval()
except RuntimeError:
    module = torch.export.load(model).module()
function = module if method == "forward" else getattr(module, method)
with np.load(inputs) as arrays:
    named = {name: tensor(arrays[name]) for name in arrays.files}
fixed = {name: literal(text) for name, text in json.loads(settings).items()}
with torch.no_grad():
    result = function(**named, **fixed) if fixed else function(*named.values())
np.savez(outputs, **{f"output_{i}": array(leaf) for i, leaf in enumerate(leaves(result))})
print(torch.__version__.split("+")[0])
)PYTHON";

}  // namespace

Result<LiveOutputs> run_in_torch(const LiveRequest& request) {
  const ScratchFolder folder = TRY(ScratchFolder::make());
  const std::string inputs = folder.file("inputs.npz"), outputs = folder.file("outputs.npz");
  TRY(archive::write_npz(inputs, request.inputs));
  const std::string settings = nlohmann::json(request.settings).dump();
  std::string said;
  auto ran = run_child({.words = {request.python, "-W", "ignore", "-c", kScript, request.model,
                                  inputs, outputs, request.method, settings},
                        .line = [&](std::string_view line) { said = line; }});
  if (!ran) {
    ran.error().what = "cannot start Python";
    ran.error().hint = "name an interpreter that has PyTorch with --python";
    return fail(std::move(ran).error());
  }
  if (!ran->good()) {
    const std::string why = last_line(ran->complaints);
    const bool missing = why.starts_with("ModuleNotFoundError");
    return fail({.kind = missing ? ErrorKind::resource : ErrorKind::usage,
                 .what = "PyTorch did not compute the model's outputs",
                 .where = {.file = request.model},
                 .why = why.empty() ? "it ended without a word" : why,
                 .hint = missing
                             ? "name an interpreter that has PyTorch and NumPy with --python"
                             : "give inputs that the model takes in Python too, with --inputs"});
  }
  LiveOutputs out{.version = said, .tensors = {}};
  for (NamedTensor& tensor : TRY(archive::read_npz(outputs)))
    out.tensors.push_back(std::move(tensor.tensor));
  return out;
}

}  // namespace tenon::cli
