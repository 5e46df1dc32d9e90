#pragma once
#include "../graph/weight.h"

namespace lvm {

// Whether this processor multiplies and adds four bytes in one instruction (AVX-512 VNNI).
bool has_byte_panels();

// An int8 matrix in panels of 32 outputs and 4 inputs. Each row of the input is quantised to 8 bits between its own least and
// largest number. Null where has_byte_panels() is false.
// Shapes: values int8 [out, in], scales float32 [out]
std::shared_ptr<const Packed> in_byte_panels(const Tensor& values, const Tensor& scales);

}  // namespace lvm
