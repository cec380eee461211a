/* Finding the vDSO's functions the way a C library does. */
#include "vdso.h"

#include <sys/auxv.h>

char *vdso_image(void) { return (char *)getauxval(AT_SYSINFO_EHDR); }

static Elf64_Dyn *dynamic_table(char *image)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)image;
	Elf64_Phdr *segment = (Elf64_Phdr *)(image + header->e_phoff);

	for (int i = 0; i < header->e_phnum; i++)
		if (segment[i].p_type == PT_DYNAMIC)
			return (Elf64_Dyn *)(image + segment[i].p_vaddr);
	return NULL;
}

/* entry is the table that a tag of the dynamic table leads to. */
static void *entry(char *image, Elf64_Sxword tag)
{
	for (Elf64_Dyn *d = dynamic_table(image); d && d->d_tag != DT_NULL; d++)
		if (d->d_tag == tag)
			return image + d->d_un.d_ptr;
	return NULL;
}

/* version_index is what LINUX_2.6 goes by in the table of the symbols' versions. */
static int version_index(char *image)
{
	const char *strings = entry(image, DT_STRTAB);
	Elf64_Verdef *def = entry(image, DT_VERDEF);

	while (def) {
		Elf64_Verdaux *aux = (Elf64_Verdaux *)((char *)def + def->vd_aux);
		if (!(def->vd_flags & VER_FLG_BASE) && strcmp(strings + aux->vda_name, "LINUX_2.6") == 0)
			return def->vd_ndx;
		def = def->vd_next ? (Elf64_Verdef *)((char *)def + def->vd_next) : NULL;
	}
	return -1;
}

void *vdso_symbol(const char *name)
{
	char *image = vdso_image();
	const Elf64_Word *hash = entry(image, DT_HASH);
	const Elf64_Sym *symbols = entry(image, DT_SYMTAB);
	const char *strings = entry(image, DT_STRTAB);
	const Elf64_Versym *versions = entry(image, DT_VERSYM);
	int version = version_index(image);
	/* Some hosts have another kind of hash table; the strings follow the symbols then. */
	long count = hash ? (long)hash[1] : (strings - (const char *)symbols) / (long)sizeof *symbols;

	for (long i = 1; i < count; i++)
		if (ELF64_ST_TYPE(symbols[i].st_info) == STT_FUNC && symbols[i].st_shndx != SHN_UNDEF &&
		    (versions[i] & 0x7fff) == version && strcmp(strings + symbols[i].st_name, name) == 0)
			return image + symbols[i].st_value;
	return NULL;
}

struct functions vdso_functions(void)
{
	struct functions f;

	CHECK(vdso_image());
	f.gettime = (clock_function *)vdso_symbol("__vdso_clock_gettime");
	f.getres = (clock_function *)vdso_symbol("__vdso_clock_getres");
	*(void **)&f.gettimeofday = vdso_symbol("__vdso_gettimeofday");
	*(void **)&f.time = vdso_symbol("__vdso_time");
	*(void **)&f.getcpu = vdso_symbol("__vdso_getcpu");
	CHECK(f.gettime && f.getres && f.gettimeofday && f.time && f.getcpu);
	return f;
}

int find_mapping(const char *name, struct mapping *found)
{
	char line[512];
	int ok = 0;
	FILE *f = fopen("/proc/self/maps", "r");

	CHECK(f);
	while (fgets(line, sizeof line, f))
		if (strstr(line, name) && sscanf(line, "%lx-%lx %4s", &found->start, &found->end, found->access) == 3)
			ok = 1;
	fclose(f);
	return ok;
}
