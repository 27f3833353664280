#!/usr/bin/env python3
"""Reads from NVIDIA's own Python bindings what they have of the interface that Tenon uses, and writes api.json.

verify_api.py FOLDER     a folder to download the wheels to and to build empty libraries in

The wheels of the bindings come without TensorRT's libraries; these need not do anything for the bindings to be imported
and looked at, so libraries that only define the missing symbols stand in for them. TensorRT 8.5 has no such wheel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
WHEELS = {
    "8.6": ("tensorrt-bindings==8.6.1", "8"),
    "10.3": ("tensorrt-cu12-bindings==10.3.0", "10"),
    "11.0": ("tensorrt-cu13-bindings==11.0.0.114", "11"),
}
SYMBOLS = ("createInferBuilder_INTERNAL createInferRefitter_INTERNAL createInferRuntime_INTERNAL createNvOnnxParser_INTERNAL "
           "createNvOnnxParserRefitter_INTERNAL getBuilderPluginRegistry getNvOnnxParserVersion getPluginRegistry "
           "initLibNvInferPlugins _ZN11nvuffparser15createUffParserEv "
           "_ZN11nvuffparser8FieldMapC1EPKcPKvNS_9FieldTypeEi _ZN14nvcaffeparser117createCaffeParserEv "
           "_ZN14nvcaffeparser123shutdownProtobufLibraryEv").split()  # fmt: skip
LIBRARIES = ("nvinfer", "nvonnxparser", "nvparsers", "nvinfer_plugin")

# What child.py, runner.py and the stand-ins use of each class, whether or not every release has it.
USED = {
    "ILogger": ["log"],
    "Builder": ["create_network", "create_builder_config", "create_optimization_profile", "build_serialized_network",
                "get_plugin_registry"],
    "INetworkDefinition": ["num_layers", "get_layer", "num_inputs", "get_input", "num_outputs", "get_output"],
    "ILayer": ["name", "type", "num_outputs", "get_output", "precision", "set_output_type"],
    "ITensor": ["name", "dtype", "shape", "is_shape_tensor"],
    "IBuilderConfig": ["set_flag", "clear_flag", "add_optimization_profile", "set_memory_pool_limit",
                       "profiling_verbosity", "builder_optimization_level", "max_aux_streams", "avg_timing_iterations",
                       "default_device_type", "DLA_core", "create_timing_cache", "set_timing_cache", "progress_monitor"],
    "IOptimizationProfile": ["set_shape", "set_shape_input"],
    "OnnxParser": ["parse_from_file", "num_errors", "get_error", "set_flag", "supports_operator"],
    "ParserError": ["code", "desc", "node", "func", "node_name", "node_operator"],
    "Runtime": ["deserialize_cuda_engine"],
    "ICudaEngine": ["num_io_tensors", "get_tensor_name", "get_tensor_mode", "get_tensor_location", "get_tensor_dtype",
                    "create_execution_context"],
    "IExecutionContext": ["set_input_shape", "set_tensor_address", "set_output_allocator", "get_tensor_shape",
                          "execute_async_v3", "set_optimization_profile_async", "profiler"],
    "IOutputAllocator": ["reallocate_output", "notify_shape"],
    "IProfiler": ["report_layer_time"],
    "IProgressMonitor": ["phase_start", "step_complete", "phase_finish"],
}  # fmt: skip
ENUMS = ["NetworkDefinitionCreationFlag", "BuilderFlag", "DataType", "TensorIOMode", "TensorLocation"]
FUNCTIONS = ["init_libnvinfer_plugins"]


def describe(trt) -> dict:
    """Per class which of the used names it has; the members of the enumerations."""
    classes = {}
    for name, attributes in USED.items():
        found = getattr(trt, name, None)
        classes[name] = None if found is None else sorted(a for a in attributes if hasattr(found, a))
    enums = {name: {m: int(v) for m, v in getattr(trt, name).__members__.items()} for name in ENUMS}
    return {"classes": classes, "enums": enums, "functions": [name for name in FUNCTIONS if hasattr(trt, name)]}


def import_and_describe(folder: Path) -> None:
    sys.path.insert(0, str(folder))
    import tensorrt_bindings

    print(json.dumps(describe(tensorrt_bindings)))


def from_wheel(folder: Path, wheel: str, major: str) -> dict:
    place = folder / wheel.replace("==", "-")
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", place, wheel], check=True)
    for file in place.glob("*.whl"):
        zipfile.ZipFile(file).extractall(place)
    source = place / "empty.c"
    source.write_text("".join(f"void* {symbol}(void) {{ return 0; }}\n" for symbol in SYMBOLS))
    for library in LIBRARIES:
        name = f"lib{library}.so.{major}"
        subprocess.run(["cc", "-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", place / name, source], check=True)
    words = [sys.executable, __file__, "--import", place]
    done = subprocess.run(words, env={**os.environ, "LD_LIBRARY_PATH": str(place)}, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def main() -> int:
    if sys.argv[1] == "--import":
        import_and_describe(Path(sys.argv[2]))
        return 0
    table = {release: from_wheel(Path(sys.argv[1]), *wheel) for release, wheel in WHEELS.items()}
    (HERE / "api.json").write_text(json.dumps(table, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
