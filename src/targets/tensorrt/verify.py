

# --- verify.py of a deployment bundle: runs the engine on the samples, compares, and writes results.npz

USAGE = """usage: verify.py [--engine model.engine] [--bisect [--bisect-engine model_bisect.engine]] [-o results.npz]

Runs the engine that build.sh made on the bundle's samples, compares with the fp32 model's outputs, measures, and writes
what it found to results.npz: `tenon check BUNDLE --results results.npz` says more. --bisect runs model_bisect.engine
(./build.sh bisect) as well, which tells module by module. Exit status: 0 all within the tolerances, 1 not, 4 the engine
could not be run.
"""

TIMED_RUNS = 50


def say(text):
    EVENTS.write(text + "\n")
    EVENTS.flush()


def emit(event, **fields):  # noqa: F811  of the events that the parts above give, a person wants the messages
    if event == "log":
        say(f"TensorRT, {fields['severity']}: {fields['text']}")


def verify_options(words):
    folder = os.path.dirname(os.path.abspath(__file__))
    out = {"engine": os.path.join(folder, "model.engine"), "bisect": False, "out": os.path.join(folder, "results.npz"),
           "bisect_engine": os.path.join(folder, "model_bisect.engine"), "folder": folder}  # fmt: skip
    names = {"--engine": "engine", "--bisect-engine": "bisect_engine", "-o": "out"}
    words = list(words)
    while words:
        word = words.pop(0)
        if word == "--bisect":
            out["bisect"] = True
        elif word in names and words:
            out[names[word]] = words.pop(0)
        else:
            raise Refused("usage", f"{word} is no option\n{USAGE}" if word not in ("-h", "--help") else USAGE)
    return out


def fitting_profile(profiles, shapes):
    """The first profile that all of the shapes are in; 0 for engines without dynamic sizes."""

    def fits(profile):
        return all(
            len(sizes["min"]) == len(shapes[name])
            and all(low <= size <= high for low, size, high in zip(sizes["min"], shapes[name], sizes["max"]))
            for name, sizes in profile.items()
        )

    return next((index for index, profile in enumerate(profiles) if fits(profile)), 0)


def run_sample(np, engine, inputs, profiles, dtypes):
    """The outputs as arrays, and the milliseconds of each of the timed runs."""
    import io

    raw, tensors = bytearray(), []
    for name, array in inputs.items():
        data = np.ascontiguousarray(array).tobytes()
        tensors.append({"name": name, "shape": list(array.shape), "dtype": dtypes[name], "offset": len(raw), "bytes": len(data)})
        raw += data
    engine.prepare(fitting_profile(profiles, {name: a.shape for name, a in inputs.items()}), tensors, bytes(raw))
    engine.infer()
    file = io.BytesIO()
    described = engine.write_outputs(file)
    data = file.getvalue()
    outputs = {}
    for one in described:
        kind = NUMPY.get(one["dtype"], one["dtype"])
        outputs[one["name"]] = np.frombuffer(data, kind, offset=one["offset"], count=one["bytes"] // np.dtype(kind).itemsize)
        outputs[one["name"]] = outputs[one["name"]].reshape(one["shape"])
    return outputs, [engine.infer() for _ in range(TIMED_RUNS)]


# NumPy's names; it has none for bfloat16, which is written as two bytes.
NUMPY = {"f32": "float32", "f16": "float16", "bf16": "V2", "f64": "float64", "i8": "int8", "u8": "uint8",
         "i32": "int32", "i64": "int64", "bool": "bool"}  # fmt: skip


def as_floats(np, array):
    if array.dtype.kind == "V":  # bfloat16: the upper half of a float
        return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float64)


def layer_information(trt, engine):
    """What TensorRT says of the engine's layers, as far as its profiling verbosity lets it."""
    try:
        inspector = engine.engine.create_engine_inspector()
        return json.loads(inspector.get_engine_information(trt.LayerInformationFormat.JSON))
    except Exception as error:  # noqa: BLE001  it is nice to have, no more
        return {"unknown": str(error)}


def load_arrays(np, path):
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def verify(options):
    try:
        import numpy as np
    except ImportError as error:
        raise Refused("missing_module", f"NumPy is needed: {error}") from None
    with open(os.path.join(options["folder"], "bundle.json"), encoding="utf-8") as file:
        bundle = json.load(file)
    trt = load(["tensorrt"] if bundle["family"] == "tensorrt" else ["tensorrt_rtx", "tensorrt_rtx_bindings"])
    if trt.__version__.split(".")[:2] != bundle["tensorrt"].split(".")[:2]:
        say(f"note: the bundle was written for {bundle['target']}, this is {trt.__version__}")
    if not os.path.exists(options["engine"]):
        raise Refused("no_engine", f"{options['engine']} is not there: run ./build.sh first")
    cuda, logger = Cuda(), make_logger(trt, False)
    dtypes = {one["name"]: one["dtype"] for one in bundle["inputs"] + bundle["typed_outputs"]}
    arrays, timings, wrong = {}, {}, 0
    engine = Engine(trt, cuda, logger, {"engine": options["engine"], "types": dtypes})
    for sample in bundle["samples"]:
        inputs = load_arrays(np, os.path.join(options["folder"], "samples", f"{sample}.inputs.npz"))
        expected = load_arrays(np, os.path.join(options["folder"], "samples", f"{sample}.expected.npz"))
        outputs, timings[sample] = run_sample(np, engine, inputs, bundle["profiles"], dtypes)
        for name, reference in expected.items():
            got = outputs[name]
            arrays[f"{sample}/{name}"] = got
            a, b = as_floats(np, got), as_floats(np, reference)
            if a.shape != b.shape:
                say(f"{sample} {name}: WRONG, its shape is {a.shape} instead of {b.shape}")
                wrong += 1
                continue
            error = float(np.abs(a - b).max(initial=0))
            magnitude = float(np.abs(b).max(initial=0))
            limit = bundle["atol"][name] + bundle["rtol"][name] * magnitude
            good = error <= limit  # false for NaN
            wrong += not good
            say(f"{sample} {name}: {'ok' if good else 'WRONG'}, error {error:.3g}, limit {limit:.3g}")
        ordered = sorted(timings[sample])
        say(f"{sample}: median {ordered[len(ordered) // 2]:.3f} ms with copies, {TIMED_RUNS} runs")
    about = {"module": trt.__name__, "version": trt.__version__, "gpu": cuda.name(), "capability": cuda.capability(),
             "timings_ms": timings, "layers": layer_information(trt, engine)}  # fmt: skip
    if options["bisect"]:
        boundaries = {one["tensor"]: one["dtype"] for one in bundle["boundaries"]}
        if not os.path.exists(options["bisect_engine"]):
            raise Refused("no_engine", f"{options['bisect_engine']} is not there: run ./build.sh bisect first")
        whole = Engine(trt, cuda, logger, {"engine": options["bisect_engine"], "types": {**dtypes, **boundaries}})
        inputs = load_arrays(np, os.path.join(options["folder"], "samples", "opt.inputs.npz"))
        outputs, _ = run_sample(np, whole, inputs, bundle["profiles"], {**dtypes, **boundaries})
        arrays.update({f"bisect/{name}": outputs[name] for name in boundaries})
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(options["out"] + ".new.npz", **arrays)
    os.replace(options["out"] + ".new.npz", options["out"])
    say(f"results written to {options['out']}")
    return 1 if wrong else 0


def verify_main():
    try:
        return verify(verify_options(sys.argv[1:]))
    except Refused as refused:
        say(refused.why)
        return {"usage": 2}.get(refused.kind, 4)
