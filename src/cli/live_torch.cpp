#include "cli/live_torch.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cli/scratch_folder.h"

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

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  const size_t at = text.rfind('\n');
  return at == std::string::npos ? text : text.substr(at + 1);
}

// Runs a program with its output in two files; its exit status, or the reason why there is none.
Result<int> spawn(const std::vector<std::string>& words, const std::string& out,
                  const std::string& err) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), kFlags, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), kFlags, 0600);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    return fail({.kind = ErrorKind::resource,
                 .what = "cannot start Python",
                 .where = {.file = words[0]},
                 .why = std::strerror(failed),
                 .hint = "name an interpreter that has PyTorch with --python"});
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) break;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

Result<LiveOutputs> run_in_torch(const LiveRequest& request) {
  const ScratchFolder folder = TRY(ScratchFolder::make());
  const std::string inputs = folder.file("inputs.npz"), outputs = folder.file("outputs.npz");
  const std::string said = folder.file("stdout"), complaints = folder.file("stderr");
  TRY(archive::write_npz(inputs, request.inputs));
  const std::string settings = nlohmann::json(request.settings).dump();
  const int status = TRY(spawn({request.python, "-W", "ignore", "-c", kScript, request.model,
                                inputs, outputs, request.method, settings},
                               said, complaints));
  if (status != 0) {
    const std::string why = last_line(contents(complaints));
    const bool missing = why.starts_with("ModuleNotFoundError");
    return fail({.kind = missing ? ErrorKind::resource : ErrorKind::usage,
                 .what = "PyTorch did not compute the model's outputs",
                 .where = {.file = request.model},
                 .why = why.empty() ? "it ended without a word" : why,
                 .hint = missing
                             ? "name an interpreter that has PyTorch and NumPy with --python"
                             : "give inputs that the model takes in Python too, with --inputs"});
  }
  LiveOutputs out{.version = last_line(contents(said)), .tensors = {}};
  for (NamedTensor& tensor : TRY(archive::read_npz(outputs)))
    out.tensors.push_back(std::move(tensor.tensor));
  return out;
}

}  // namespace tenon::cli
