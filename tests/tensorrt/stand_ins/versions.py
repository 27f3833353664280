"""What each release of TensorRT has of the interface that Tenon uses. test_api.py compares this with api.json, which
verify_api.py reads from NVIDIA's own bindings.

8.5 has no bindings on PyPI. Its row is 8.6's without what the release notes of 8.6 list as new: the optimisation level,
auxiliary streams, ENABLE_TACTIC_HEURISTIC, VERSION_COMPATIBLE, EXCLUDE_LEAN_RUNTIME and FP8.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Release:
    version: str
    creation_flags: tuple[tuple[str, int], ...]  # members of NetworkDefinitionCreationFlag
    builder_flags: tuple[str, ...]
    data_types: tuple[str, ...]
    parser_error: tuple[str, ...]  # methods beyond code, desc and node
    config: tuple[str, ...]  # properties of IBuilderConfig that not all have
    progress: bool  # IProgressMonitor
    layer_types: bool  # layers take a precision and types of outputs
    allocator: tuple[str, ...] = field(default=())  # methods of IOutputAllocator's base class
    narrow: bool = False  # i64 and f64 become i32 and f32 at an engine's ends


FLAGS_85 = ("FP16", "INT8", "DEBUG", "GPU_FALLBACK", "STRICT_TYPES", "REFIT", "DISABLE_TIMING_CACHE", "TF32",
            "SPARSE_WEIGHTS", "SAFETY_SCOPE", "OBEY_PRECISION_CONSTRAINTS", "PREFER_PRECISION_CONSTRAINTS", "DIRECT_IO",
            "REJECT_EMPTY_ALGORITHMS")  # fmt: skip
FLAGS_86 = (*FLAGS_85, "ENABLE_TACTIC_HEURISTIC", "VERSION_COMPATIBLE", "EXCLUDE_LEAN_RUNTIME", "FP8")
FLAGS_103 = ("FP16", "BF16", "INT8", "DEBUG", "GPU_FALLBACK", "REFIT", "DISABLE_TIMING_CACHE", "TF32", "SPARSE_WEIGHTS",
             "SAFETY_SCOPE", "OBEY_PRECISION_CONSTRAINTS", "PREFER_PRECISION_CONSTRAINTS", "DIRECT_IO",
             "REJECT_EMPTY_ALGORITHMS", "VERSION_COMPATIBLE", "EXCLUDE_LEAN_RUNTIME", "FP8",
             "ERROR_ON_TIMING_CACHE_MISS", "DISABLE_COMPILATION_CACHE", "WEIGHTLESS", "STRIP_PLAN", "REFIT_IDENTICAL",
             "WEIGHT_STREAMING", "INT4", "REFIT_INDIVIDUAL")  # fmt: skip
FLAGS_11 = ("DEBUG", "GPU_FALLBACK", "REFIT", "DISABLE_TIMING_CACHE", "EDITABLE_TIMING_CACHE", "TF32", "SPARSE_WEIGHTS",
            "SAFETY_SCOPE", "DIRECT_IO", "VERSION_COMPATIBLE", "EXCLUDE_LEAN_RUNTIME", "ERROR_ON_TIMING_CACHE_MISS",
            "DISABLE_COMPILATION_CACHE", "STRIP_PLAN", "REFIT_IDENTICAL", "WEIGHT_STREAMING", "REFIT_INDIVIDUAL",
            "STRICT_NANS", "MONITOR_MEMORY", "DISTRIBUTIVE_INDEPENDENCE")  # fmt: skip
TYPES_85 = ("FLOAT", "HALF", "INT8", "INT32", "BOOL", "UINT8", "FP8")
TYPES_103 = ("FLOAT", "HALF", "BF16", "INT8", "INT32", "INT64", "BOOL", "UINT8", "FP8", "INT4")
NODE_OF_ERROR = ("func", "node_name", "node_operator")

RELEASES = {
    "8.5": Release(
        version="8.5.3.1",
        creation_flags=(("EXPLICIT_BATCH", 0), ("EXPLICIT_PRECISION", 1)),
        builder_flags=FLAGS_85,
        data_types=TYPES_85,
        parser_error=("func",),
        config=(),
        progress=False,
        layer_types=True,
        allocator=("reallocate_output", "notify_shape"),
        narrow=True,
    ),
    "8.6": Release(
        version="8.6.1",
        creation_flags=(("EXPLICIT_BATCH", 0), ("EXPLICIT_PRECISION", 1)),
        builder_flags=FLAGS_86,
        data_types=TYPES_85,
        parser_error=("func",),
        config=("builder_optimization_level", "max_aux_streams"),
        progress=False,
        layer_types=True,
        allocator=("reallocate_output", "notify_shape"),
        narrow=True,
    ),
    "10.3": Release(
        version="10.3.0",
        creation_flags=(("EXPLICIT_BATCH", 0), ("STRONGLY_TYPED", 1)),
        builder_flags=FLAGS_103,
        data_types=TYPES_103,
        parser_error=NODE_OF_ERROR,
        config=("builder_optimization_level", "max_aux_streams", "progress_monitor"),
        progress=True,
        layer_types=True,
    ),
    "11.0": Release(
        version="11.0.0.114",
        creation_flags=(("STRONGLY_TYPED", 0), ("PREFER_AOT_PYTHON_PLUGINS", 2), ("PREFER_JIT_PYTHON_PLUGINS", 1)),
        builder_flags=FLAGS_11,
        data_types=(*TYPES_103, "FP4", "E8M0"),
        parser_error=NODE_OF_ERROR,
        config=("builder_optimization_level", "max_aux_streams", "progress_monitor"),
        progress=True,
        layer_types=False,
    ),
}
