//! A folder of the user's own images, one folder per class.

use std::path::{Path, PathBuf};

use crate::{Dataset, Entry, Error, Labels, Normalisation, OpenOptions, Split, Task, image_file, read_image};

/// Reads `root/train/CLASS/*` or `root/test/CLASS/*`. The classes are the folders
/// of `train` in the order of their names, and files come in the order of theirs.
/// Without a shape among the options, every image must have the size of the first
/// training image, and its number of channels is taken.
pub(crate) fn open(
    entry: &Entry,
    split: Split,
    root: &Path,
    options: &OpenOptions,
) -> Result<Dataset, Error> {
    let train = root.join(Split::Train.to_string());
    let classes = folders(&train)?;
    let known: Vec<String> = classes.iter().map(|folder| name(folder)).collect();
    let shape = match options.image {
        Some(shape) => shape,
        None => first_shape(&classes, &train)?,
    };
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for folder in folders(&root.join(split.to_string()))? {
        let found = name(&folder);
        let label = known.iter().position(|class| *class == found).ok_or_else(|| Error::Inconsistent {
            name: entry.name.into(),
            problem: format!("class `{found}` of the {split} split has no folder among the training images"),
        })?;
        for file in files(&folder)? {
            images.extend(load(&file, shape, options.image)?);
            labels.push(label as u32);
        }
    }
    let normalisation = if shape[0] == 1 { Normalisation::GREY } else { entry.normalisation.clone() };
    let task = Task::Classes(known.len());
    let made = Dataset::new(entry.name, shape, task, normalisation, images, Labels::Class(labels))?;
    Ok(made.with_classes(known))
}

/// The names of the classes, in order.
pub(crate) fn classes(root: &Path) -> Result<Vec<String>, Error> {
    let folders = folders(&root.join(Split::Train.to_string()))?;
    Ok(folders.iter().map(|folder| name(folder)).collect())
}

fn load(file: &Path, shape: [usize; 3], fit: Option<[usize; 3]>) -> Result<Vec<u8>, Error> {
    if fit.is_some() {
        return Ok(read_image(file, shape)?.iter().map(|x| (x * 255.0).round() as u8).collect());
    }
    let image = image_file::read(file)?.with_channels(shape[0]);
    if image.shape != shape {
        let [[_, h, w], [_, height, width]] = [image.shape, shape];
        return Err(Error::Format {
            what: "image of this data set",
            problem: format!(
                "its size is {h}x{w}, but the first image's is {height}x{width}; with the option `image` all are resized"
            ),
            path: file.to_path_buf(),
        });
    }
    Ok(image.values)
}

fn first_shape(classes: &[PathBuf], train: &Path) -> Result<[usize; 3], Error> {
    for folder in classes {
        if let Some(file) = files(folder)?.first() {
            return Ok(image_file::read(file)?.shape);
        }
    }
    Err(missing("there is no PNG or JPEG file in any folder here", train))
}

/// The folders of a folder, by name.
fn folders(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let found = sorted(path, |entry| entry.is_dir())?;
    match found.is_empty() {
        true => Err(missing("expected one folder per class here", path)),
        false => Ok(found),
    }
}

/// The images of a folder, by name.
fn files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    sorted(path, |entry| {
        let extension = entry.extension().unwrap_or_default().to_ascii_lowercase();
        entry.is_file() && ["png", "jpg", "jpeg"].iter().any(|known| extension == *known)
    })
}

fn sorted(path: &Path, keep: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, Error> {
    if !path.is_dir() {
        return Err(missing(
            "expected `train` and `test` here, with a folder of images per class in each",
            path,
        ));
    }
    let entries = std::fs::read_dir(path).map_err(Error::file("read the folder", path))?;
    let all: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut kept = all.map_err(Error::file("read the folder", path))?;
    kept.retain(|entry| keep(entry));
    kept.sort();
    Ok(kept)
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn missing(problem: &str, path: &Path) -> Error {
    Error::Missing { name: "image-folder".into(), problem: problem.into(), path: path.to_path_buf() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{image_file::tests::png_bytes, open};

    fn put(root: &Path, file: &str, size: [u32; 2], value: u8) {
        let path = root.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let pixels = vec![value; (3 * size[0] * size[1]) as usize];
        std::fs::write(path, png_bytes(png::ColorType::Rgb, size, &pixels)).unwrap();
    }

    #[test]
    fn classes_and_files_come_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        put(root, "train/dog/2.PNG", [2, 2], 3);
        put(root, "train/dog/1.png", [2, 2], 2);
        put(root, "train/cat/9.png", [2, 2], 1);
        put(root, "test/dog/a.png", [2, 2], 4);
        std::fs::write(root.join("train/cat/notes.txt"), "").unwrap();
        let options = OpenOptions::default();
        let train = open("image-folder", Split::Train, root, &options).unwrap();
        assert_eq!((train.shape(), train.task()), ([3, 2, 2], Task::Classes(2)));
        assert_eq!(train.images().chunks(12).map(|image| image[0]).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(train.labels(), &Labels::Class(vec![0, 1, 1]));
        assert_eq!(train.class_name(1), "dog");
        let test = open("image-folder", Split::Test, root, &options).unwrap();
        assert_eq!(test.labels(), &Labels::Class(vec![1]));

        put(root, "test/cow/a.png", [2, 2], 4);
        let error = open("image-folder", Split::Test, root, &options).unwrap_err().to_string();
        assert!(error.contains("class `cow` of the test split has no folder"), "{error}");
        put(root, "train/dog/3.png", [4, 6], 5);
        let error = open("image-folder", Split::Train, root, &options).unwrap_err().to_string();
        assert!(error.contains("its size is 4x6, but the first image's is 2x2"), "{error}");
        let grey = OpenOptions { image: Some([1, 3, 3]), ..options };
        let train = open("image-folder", Split::Train, root, &grey).unwrap();
        assert_eq!((train.shape(), train.len(), train.image(3)), ([1, 3, 3], 4, Some([5; 9].as_slice())));
    }

    #[test]
    fn empty_folders_are_errors_that_say_what_was_expected() {
        let folder = tempfile::tempdir().unwrap();
        let error = |root: &Path| {
            open("image-folder", Split::Train, root, &OpenOptions::default()).unwrap_err().to_string()
        };
        assert!(error(folder.path()).contains("folder of images per class"));
        std::fs::create_dir_all(folder.path().join("train")).unwrap();
        assert!(error(folder.path()).contains("expected one folder per class"));
        std::fs::create_dir_all(folder.path().join("train/cat")).unwrap();
        assert!(error(folder.path()).contains("no PNG or JPEG file"));
    }
}
