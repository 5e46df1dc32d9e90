#pragma once
#include <ATen/core/ivalue.h>

#include <string>

namespace lvm {

// Writes a value made of dicts, lists, numbers, text and tensors as a `.pt` that stock Python reads with weights_only=True.
// Errors: NO_DISK, OPEN_FILES, FILE_ACCESS, OUT_OF_MEMORY
void write_pt(const std::string& path, const c10::IValue& value);

}  // namespace lvm
