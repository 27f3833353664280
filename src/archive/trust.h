// Which Python names a pickle may carry. Nothing in a file is ever executed; a file that names what
// no model needs is refused all the same, because whoever loads it in Python executes it.
#pragma once

#include "archive/pickle.h"

namespace tenon::archive {

// Fails where the pickle names a function that runs commands or code: "posix.system",
// "builtins.eval".
Status refuse_executing(const pickle::Pickle& saved, const Where& where);
// Fails where it names anything but PyTorch's own classes and the program's: for the pickles of a
// TorchScript archive.
Status refuse_foreign(const pickle::Pickle& saved, const Where& where);

}  // namespace tenon::archive
