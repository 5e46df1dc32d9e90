#pragma once
#include "../torch.h"

#include <cstdint>
#include <exception>
#include <string>

namespace lvm {

// A view of a part of a file, paged in as it is read. Where the file is cut while it is used, the missing pages read as zeros
// instead of ending the process by SIGBUS, and the file counts as changed. Errors: FILE_MISSING, DATA_FORMAT when the file is too
// short.
torch::Tensor map_file(const std::string& path, int64_t offset, at::IntArrayRef shape, torch::Dtype dtype);

// Checks that the file below a mapped tensor is as it was when it was mapped, by its size and time; any other tensor passes.
// Errors: DATA_CHANGED
void require_unchanged(const torch::Tensor& tensor);

// How often a page was missing so far, in any mapped file: work during which it grew has read zeros.
uint64_t missing_pages();
// DATA_CHANGED for the file that lacked a page last.
std::exception_ptr missing_page_error();

}  // namespace lvm
