#pragma once
#include "../graph/weight.h"

#include <map>
#include <string>

namespace lvm {

// Kernels of the CPU for weights of few bits.
//
//   dynamic_fbgemm, dynamic_onednn   int8 weights; each row of the input is brought to 8 bits as it comes
//   weight_only                      int8 weights, inputs rounded to bfloat16
//   int4                             weights of 4 bits, inputs rounded to bfloat16
//   bf16                             both in bfloat16, whatever the weights were
//
// Shapes: values int8 [out, in] with a scale for each row [out]; uint8 [out, in / 2], two in a byte, the first in the low half,
// 0 … 15 for −8 … 7, with a scale for every 128 numbers of a row [out, in / 128]; bfloat16 [out, in] without scales
// Errors: BAD_ARGUMENT for values of another shape or dtype

constexpr int64_t int4_group = 128;

// The whole matrix, or with `first` that many rows and then the rest. Empty where the kernel is wrong on this machine: its
// products with these weights and with extreme ones of their shape are compared with exact ones first.
std::vector<std::shared_ptr<const Packed>> packed_parts(const std::string& kernel, const Tensor& values, const Tensor& scales,
                                                        int64_t out, int64_t in, int64_t first);

// Milliseconds of a product with each kernel for int8, int4 or bf16 weights that is right here, and with float32 ones, for each
// number of rows.
std::map<std::string, std::vector<double>> time_kernels(const std::string& scheme, int64_t out, int64_t in,
                                                        const std::vector<int64_t>& rows);

// Kernels for such weights that multiply wrongly here, so that they are not taken.
std::vector<std::string> wrong_kernels(const std::string& scheme, int64_t out, int64_t in);

// Whether a kernel takes this shape: libtorch reads some in blocks, and does not look whether they come out even.
bool in_blocks(const std::string& kernel, int64_t out, int64_t in);

// The numbers of 4 bits, 0 … 15. Shapes: [out, in / 2] -> [out, in]
Tensor unpacked(const Tensor& bytes);

}  // namespace lvm
