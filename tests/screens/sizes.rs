//! Does every screen fit into every terminal, down to one cell?

use quell::model::layout::SMALLEST;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::hostile::assert_safe;
use crate::picture::lines;
use crate::scenes;

/// Wider than the side-by-side layout begins, higher than the summary does.
const LARGEST: (u16, u16) = (130, 45);

/// Up to here every scene is drawn at every size. Beyond, each scene takes every thirteenth size,
/// others than its neighbours, so that the scenes together meet all sizes.
const CROWDED: (u16, u16) = (48, 18);
const STRIDE: usize = 13;

fn is_drawn(scene: usize, width: u16, height: u16) -> bool {
    let place = scene + 2 * usize::from(width) + usize::from(height);
    (width <= CROWDED.0 && height <= CROWDED.1) || place.is_multiple_of(STRIDE)
}

/// Half of the scenes each, so that two processors share them.
fn every_size(half: usize) {
    for (at, (name, scene)) in scenes::ALL.iter().enumerate().skip(half).step_by(2) {
        let mut stage = scene();
        for width in 1..=LARGEST.0 {
            for height in (1..=LARGEST.1).filter(|height| is_drawn(at, width, *height)) {
                let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
                stage.resize(width, height);
                let cursor = stage.draw_on(&mut buffer);
                assert_eq!(buffer.area, Rect::new(0, 0, width, height));
                if let Some(cursor) = cursor {
                    assert!(buffer.area.contains(cursor), "{name} {width}x{height}");
                }
                assert_safe(&buffer, name);
            }
        }
    }
}

#[test]
fn every_screen_fits_into_every_size_a() {
    every_size(0);
}

#[test]
fn every_screen_fits_into_every_size_b() {
    every_size(1);
}

#[test]
fn too_small_says_so_as_far_as_it_fits() {
    let mut stage = scenes::pages();
    let text = format!("quell needs {}x{}", SMALLEST.0, SMALLEST.1);
    for (width, height) in [(39, 10), (40, 9), (39, 9), (17, 1), (5, 3), (1, 1)] {
        stage.resize(width, height);
        let (buffer, _) = stage.draw();
        let expected: String = text.chars().take(usize::from(width)).collect();
        let shown = lines(&buffer);
        assert_eq!(shown[0], expected.trim_end());
        assert!(shown[1..].iter().all(String::is_empty));
    }
}

#[test]
fn a_resize_keeps_the_selected_row_on_screen() {
    let mut stage = scenes::pages().press("G");
    let wanted = "KubernetesPersistent";
    for (width, height) in [(80, 24), (40, 10), (130, 45), (60, 11), (110, 12), (80, 24)] {
        stage.resize(width, height);
        let (buffer, _) = stage.draw();
        let marked = lines(&buffer)
            .into_iter()
            .find(|line| line.starts_with('▌'))
            .unwrap();
        assert!(marked.contains(wanted), "{width}x{height}: {marked}");
    }
}
