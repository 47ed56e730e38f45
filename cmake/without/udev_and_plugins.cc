// SPDX-License-Identifier: MIT
//
// What the one-file command does not take along. hwloc asks udev for the names of disks and network cards, which are no
// part of a Layout; hwloc and libtraceevent load plugins, which another system's files could not be. Both go on
// without.
extern "C" {

struct udev;
struct udev_device;

udev* udev_new() { return nullptr; }
udev* udev_unref(udev*) { return nullptr; }
udev_device* udev_device_new_from_subsystem_sysname(udev*, const char*, const char*) { return nullptr; }
const char* udev_device_get_property_value(udev_device*, const char*) { return nullptr; }
udev_device* udev_device_unref(udev_device*) { return nullptr; }

void* dlopen(const char*, int) { return nullptr; }
void* dlsym(void*, const char*) { return nullptr; }
int dlclose(void*) { return 0; }
char* dlerror() {
  static char what[] = "a program in one file loads no other";
  return what;
}

// A newer trace-cmd asks these of a libtraceevent that is newer, too, for names in what it prints: nothing is printed here,
// and it does not look at what they return.
__attribute__((weak)) int tep_load_btf() { return -1; }
__attribute__((weak)) int tep_load_modules() { return -1; }
__attribute__((weak)) int tep_parse_last_boot_info() { return -1; }
__attribute__((weak)) int tep_btf_print_args() { return -1; }
}
