#pragma once
#include "../graph/weight.h"

namespace lvm {

// A float32 matrix in panels of 32 outputs, which a product reads in order. Few rows are multiplied at the speed of memory, many
// at that of arithmetic. Null where the compiler has no vector types.
// Shapes: matrix [out, in], may be strided
std::shared_ptr<const Packed> in_panels(const Tensor& matrix);

}  // namespace lvm
