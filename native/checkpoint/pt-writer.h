#pragma once
#include <ATen/core/ivalue.h>

#include <functional>
#include <string>

namespace lvm {

// Writes a value made of dicts, lists, numbers, text and tensors as a `.pt` that stock Python reads with weights_only=True.
// `before` and `after` are called around the writing of each tensor, whose storage may have no memory otherwise.
// Errors: NO_DISK, OPEN_FILES, FILE_ACCESS, OUT_OF_MEMORY
void write_pt(const std::string& path, const c10::IValue& value, const std::function<void(const at::Tensor&)>& before = {},
              const std::function<void(const at::Tensor&)>& after = {});

}  // namespace lvm
