#pragma once
#include "../graph/weight.h"

#include <map>
#include <string>

namespace lvm {

// CPU kernels for packed weights.
//
//   dynamic_fbgemm, dynamic_onednn   int8 weights; each row of the input is quantised to 8 bits at run time
//   dynamic_panels                   the same, with our own kernel
//   weight_only                      int8 weights, inputs rounded to bfloat16
//   int4                             weights of 4 bits, inputs rounded to bfloat16
//   bf16                             inputs and weights rounded to bfloat16
//   panels                           float32 weights and inputs
//
// Shapes: values int8 [out, in] with one scale per row [out]; uint8 [out, in / 2], two numbers per byte, the first in the low
// half, 0 … 15 for −8 … 7, with one scale per 128 numbers of a row [out, in / 128]; bfloat16 or float32 [out, in] without
// scales
// Errors: BAD_ARGUMENT for values of another shape or dtype

constexpr int64_t int4_group = 128;

// Packs the whole matrix, or its first `first` rows and the rest as two parts. Compares products with extreme weights of the
// same shape and, where the kernel packs, with these weights, with exact ones. Empty if the kernel is wrong on this machine.
std::vector<std::shared_ptr<const Packed>> packed_parts(const std::string& kernel, const Tensor& values, const Tensor& scales,
                                                        int64_t out, int64_t in, int64_t first);

// Milliseconds of a product per number of rows: for each kernel of a scheme (int8, int4, bf16, fp32) that is correct here, and
// for float32.
std::map<std::string, std::vector<double>> time_kernels(const std::string& scheme, int64_t out, int64_t in,
                                                        const std::vector<int64_t>& rows);

// Names of the kernels of a scheme that compute wrong products on this machine.
std::vector<std::string> wrong_kernels(const std::string& scheme, int64_t out, int64_t in);

// Whether a kernel takes this shape. libtorch reads in blocks and does not check that the shape is a multiple of them.
bool in_blocks(const std::string& kernel, int64_t out, int64_t in);

// Unpacks two 4-bit numbers per byte, 0 … 15.
// Shapes: [out, in / 2] -> [out, in]
Tensor unpacked(const Tensor& bytes);

}  // namespace lvm
