//! The control group of this process: how many processors its quota allows, and how long it was held back for it.
//!
//! Version 2 (`cpu.max`, `cpu.stat`) and version 1 (`cpu.cfs_quota_us`, `cpu.cfs_period_us`, `cpu.stat`), as the kernel's
//! Documentation/admin-guide/cgroup-v2.rst and Documentation/scheduler/sched-bwc.rst have them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::clock::Nanos;

/// A limit of processor time.
#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    /// The processors that it amounts to, such as 0.25.
    pub processors: f64,
    /// Where its group says how often it took effect.
    stat: PathBuf,
}

/// How often, and for how long, a quota held its group back, since the group began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttled {
    /// Periods in which it did.
    pub periods: u64,
    /// How long, summed over processors.
    pub time: Nanos,
}

impl Throttled {
    /// What came since `before`.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self { periods: self.periods.saturating_sub(before.periods), time: self.time.saturating_since(before.time) }
    }
}

impl Quota {
    /// The tightest limit on this process, of its own group or of one around it; `None` where there is none, or the system
    /// does not tell.
    #[must_use]
    pub fn of_this_process() -> Option<Self> {
        // A simulated run is held back by nobody, and to look would take it longer than to run.
        #[cfg(test)]
        if crate::clock::virtual_time::rules() {
            return None;
        }
        Self::below(Path::new("/"))
    }

    /// The same where the file system begins at `root`.
    fn below(root: &Path) -> Option<Self> {
        let read = |path: &str| fs::read_to_string(root.join(path)).ok();
        let (groups, mounts) = (read("proc/self/cgroup")?, read("proc/self/mountinfo")?);
        let limits = Version::ALL.into_iter().filter_map(|version| {
            let group = version.group(&groups)?;
            let (inside, mounted) = version.mount(&mounts)?;
            // A container sees its own group as the mount's root, and may be told the path that others see.
            let below = group.strip_prefix(inside).unwrap_or(group).trim_start_matches('/');
            let top = root.join(mounted.trim_start_matches('/'));
            let own = Some(top.join(below)).filter(|own| own.is_dir()).unwrap_or_else(|| top.clone());
            Some((version, own, top))
        });
        let all = limits.flat_map(|(version, own, top)| {
            let groups: Vec<PathBuf> =
                own.ancestors().take_while(|group| group.starts_with(&top)).map(Path::to_owned).collect();
            groups.into_iter().filter_map(move |group| {
                let processors = version.processors(&group)?;
                Some(Self { processors, stat: group.join("cpu.stat") })
            })
        });
        all.min_by(|one, other| one.processors.total_cmp(&other.processors))
    }

    /// How often it has taken effect so far; `None` where the system no longer tells.
    #[must_use]
    pub fn throttled(&self) -> Option<Throttled> {
        let text = fs::read_to_string(&self.stat).ok()?;
        let value = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse::<u64>().ok())
        };
        // Version 2 has microseconds, version 1 nanoseconds.
        let time = value("throttled_usec").map(|us| us.saturating_mul(1_000)).or_else(|| value("throttled_time"))?;
        Some(Throttled { periods: value("nr_throttled")?, time: Nanos(time) })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Version {
    const ALL: [Self; 2] = [Self::One, Self::Two];

    /// The path of the process's group, from `/proc/self/cgroup`: lines of `ID:CONTROLLERS:PATH`.
    fn group(self, groups: &str) -> Option<&str> {
        groups.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            let is_it = match self {
                Self::One => controllers.split(',').any(|controller| controller == "cpu"),
                Self::Two => controllers.is_empty(),
            };
            is_it.then_some(path)
        })
    }

    /// Which path of the hierarchy is mounted, and where, from `/proc/self/mountinfo` (proc(5)).
    fn mount(self, mounts: &str) -> Option<(&str, &str)> {
        mounts.lines().find_map(|line| {
            let (mount, file_system) = line.split_once(" - ")?;
            let mut mount = mount.split(' ').skip(3);
            let (inside, mounted) = (mount.next()?, mount.next()?);
            let mut file_system = file_system.split(' ');
            let (kind, options) = (file_system.next()?, file_system.nth(1)?);
            let is_it = match self {
                Self::One => kind == "cgroup" && options.split(',').any(|option| option == "cpu"),
                Self::Two => kind == "cgroup2",
            };
            is_it.then_some((inside, mounted))
        })
    }

    /// The processors that a group may use; `None` without a limit.
    fn processors(self, group: &Path) -> Option<f64> {
        let read = |name: &str| fs::read_to_string(group.join(name)).ok();
        let (quota, period) = match self {
            Self::One => (read("cpu.cfs_quota_us")?, read("cpu.cfs_period_us")?),
            Self::Two => {
                read("cpu.max")?.split_once(' ').map(|(quota, period)| (quota.to_owned(), period.to_owned()))?
            }
        };
        let (quota, period) = (quota.trim().parse::<f64>().ok()?, period.trim().parse::<f64>().ok()?);
        // Version 1 says -1, version 2 says "max", which is no number.
        (quota > 0.0 && period > 0.0).then(|| quota / period)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file system with these files.
    fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    const MOUNTS_1: &str = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n\
                            33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n";
    const MOUNTS_2: &str =
        "25 30 0:23 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn the_quota_of_version_2_is_the_tightest_of_the_groups_around() {
        let root = files(&[
            ("proc/self/cgroup", "0::/app.slice/loadgen.scope\n"),
            ("proc/self/mountinfo", MOUNTS_2),
            ("sys/fs/cgroup/app.slice/cpu.max", "25000 100000\n"),
            (
                "sys/fs/cgroup/app.slice/cpu.stat",
                "usage_usec 4200000\nnr_periods 40\nnr_throttled 15\nthrottled_usec 900123\n",
            ),
            ("sys/fs/cgroup/app.slice/loadgen.scope/cpu.max", "max 100000\n"),
        ]);
        let quota = Quota::below(root.path()).unwrap();
        assert!((quota.processors - 0.25).abs() < 1e-9, "{quota:?}");
        assert_eq!(quota.throttled(), Some(Throttled { periods: 15, time: Nanos(900_123_000) }));
    }

    #[test]
    fn the_quota_of_version_1_is_read_where_the_controller_is_mounted() {
        let root = files(&[
            ("proc/self/cgroup", "9:name=systemd:/\n4:memory:/m\n2:cpu,cpuacct:/limited\n0::/\n"),
            ("proc/self/mountinfo", MOUNTS_1),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.shares", "1024\n"),
            ("sys/fs/cgroup/cpu,cpuacct/limited/cpu.cfs_quota_us", "150000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/limited/cpu.cfs_period_us", "100000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/limited/cpu.stat", "nr_periods 9\nnr_throttled 2\nthrottled_time 31000000\n"),
        ]);
        let quota = Quota::below(root.path()).unwrap();
        assert!((quota.processors - 1.5).abs() < 1e-9, "{quota:?}");
        assert_eq!(quota.throttled(), Some(Throttled { periods: 2, time: Nanos::from_millis(31) }));
    }

    #[test]
    fn a_container_that_is_told_the_path_of_the_host_finds_its_own_group() {
        let mounts = MOUNTS_1.replace("0:30 / ", "0:30 /docker/abc ");
        let root = files(&[
            ("proc/self/cgroup", "3:cpu,cpuacct:/docker/abc\n"),
            ("proc/self/mountinfo", &mounts),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
        ]);
        let quota = Quota::below(root.path()).unwrap();
        assert!((quota.processors - 0.5).abs() < 1e-9);
        assert_eq!(quota.throttled(), None, "no cpu.stat is there");
    }

    #[test]
    fn no_limit_is_no_quota() {
        let unlimited = [
            files(&[
                ("proc/self/cgroup", "0::/\n"),
                ("proc/self/mountinfo", MOUNTS_2),
                ("sys/fs/cgroup/cpu.max", "max 100000\n"),
            ]),
            files(&[
                ("proc/self/cgroup", "2:cpu,cpuacct:/\n"),
                ("proc/self/mountinfo", MOUNTS_1),
                ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
                ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
            ]),
            files(&[("proc/self/cgroup", "nonsense"), ("proc/self/mountinfo", "nonsense")]),
            files(&[]),
        ];
        for root in unlimited {
            assert_eq!(Quota::below(root.path()), None);
        }
    }
}
