// The zip-and-pickle form of torch.save. torch::pickle_save tags its dicts with a type that Python's restricted reader
// refuses, so the pickler is driven by hand with tag_aggregates off.

#include "pt-writer.h"

#include "../error.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/pickler.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace lvm {

void write_pt(const std::string& path, const c10::IValue& value) {
  std::string data;
  torch::jit::Pickler pickler([&](const char* bytes, size_t size) { data.append(bytes, size); }, nullptr, nullptr, nullptr,
                              nullptr, false);
  pickler.protocol();
  pickler.pushIValue(value);
  pickler.stop();

  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "wb"), std::fclose);
  const auto failed = [&] {
    return Error(errno == ENOSPC ? "NO_DISK" : "NATIVE", "checkpoint: could not write " + path + ": " + std::strerror(errno));
  };
  if (!file) throw failed();
  caffe2::serialize::PyTorchStreamWriter writer([&](const void* bytes, size_t size) {
    if (std::fwrite(bytes, 1, size, file.get()) != size) throw failed();
    return size;
  });
  writer.writeRecord("data.pkl", data.data(), data.size());
  writer.writeRecord("byteorder", "little", 6);
  size_t i = 0;
  for (const auto& tensor : pickler.tensorData()) {
    const auto writable = torch::jit::getWriteableTensorData(tensor);
    writer.writeRecord("data/" + std::to_string(i++), writable.data(), writable.sizeInBytes());
  }
  writer.writeEndOfFile();
  if (std::fflush(file.get()) != 0) throw failed();
}

}  // namespace lvm
