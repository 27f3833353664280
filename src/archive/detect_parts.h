// The part of detect() that knows what pickles hold.
#pragma once

#include <string>

#include "archive/blob.h"
#include "archive/detect.h"
#include "archive/pickle.h"

namespace tenon::archive {

// What torch.save or pickle.dump wrote.
Detected classify(const pickle::Pickle& saved);
// A pickle, or the several that torch.save wrote before its zip format.
Result<Detected> detect_pickle(const Blob& file, const std::string& path);

}  // namespace tenon::archive
