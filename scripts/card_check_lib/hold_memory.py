"""Holds memory of the first card until so many bytes are free, says "held", and ends with its input.

  hold_memory.py LIBCUDART BYTES
"""
import ctypes
import sys


def call(runtime, name, *arguments):
  status = getattr(runtime, name)(*arguments)
  if status != 0:
    sys.exit(f"{name}: error {status}")


def free_bytes(runtime):
  free, total = ctypes.c_size_t(), ctypes.c_size_t()
  call(runtime, "cudaMemGetInfo", ctypes.byref(free), ctypes.byref(total))
  return free.value


def main():
  runtime = ctypes.CDLL(sys.argv[1])
  surplus = free_bytes(runtime) - int(sys.argv[2])
  if surplus < 0:
    sys.exit(f"only {free_bytes(runtime)} bytes are free")
  place = ctypes.c_void_p()
  call(runtime, "cudaMalloc", ctypes.byref(place), ctypes.c_size_t(surplus))
  print("held", free_bytes(runtime), flush=True)
  sys.stdin.read()


if __name__ == "__main__":
  main()
