//! Some of the rules of one list, by their places in it.

/// One bit for each rule: a decision joins and cuts these sets for every guest of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places(Vec<u64>);

impl Places {
    pub(super) fn insert(&mut self, place: usize) {
        let word = place / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (place % 64);
    }

    pub(super) fn insert_all<'p>(&mut self, places: impl Iterator<Item = &'p usize>) {
        places.for_each(|place| self.insert(*place));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Those of both.
    pub(super) fn join(&mut self, others: &Self) {
        if self.0.len() < others.0.len() {
            self.0.resize(others.0.len(), 0);
        }
        for (word, other) in self.0.iter_mut().zip(&others.0) {
            *word |= other;
        }
    }

    /// Only those that are in both.
    pub(super) fn cut(&mut self, others: &Self) {
        self.0.truncate(others.0.len());
        for (word, other) in self.0.iter_mut().zip(&others.0) {
            *word &= other;
        }
    }
}

/// In the order of the list, so of the file.
impl IntoIterator for Places {
    type Item = usize;
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter {
            words: self.0,
            word: 0,
        }
    }
}

#[derive(Debug)]
pub(super) struct IntoIter {
    words: Vec<u64>,
    word: usize,
}

impl Iterator for IntoIter {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            let bits = self.words.get_mut(self.word)?;
            if *bits != 0 {
                let place = self.word * 64 + bits.trailing_zeros() as usize;
                *bits &= *bits - 1;
                return Some(place);
            }
            self.word += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(list: &[usize]) -> Places {
        let mut places = Places::default();
        places.insert_all(list.iter());
        places
    }

    fn list(places: &Places) -> Vec<usize> {
        places.clone().into_iter().collect()
    }

    #[test]
    fn each_stands_once_and_in_order() {
        assert_eq!(list(&places(&[700, 0, 63, 64, 0, 1])), [0, 1, 63, 64, 700]);
        assert!(list(&Places::default()).is_empty());
    }

    #[test]
    fn joined_and_cut_whatever_their_lengths() {
        for (short, long) in [(vec![1, 63], vec![1, 64, 900]), (vec![], vec![5, 130])] {
            let (a, b) = (places(&short), places(&long));
            let (mut joined, mut other) = (a.clone(), b.clone());
            joined.join(&b);
            other.join(&a);
            assert_eq!(list(&joined), list(&other));
            let all = short.iter().chain(&long).copied();
            let all: std::collections::BTreeSet<usize> = all.collect();
            assert_eq!(list(&joined), all.into_iter().collect::<Vec<_>>());
            let (mut cut, mut other) = (a.clone(), b.clone());
            cut.cut(&b);
            other.cut(&a);
            assert_eq!(list(&cut), list(&other));
            let both = short.iter().filter(|place| long.contains(place));
            assert_eq!(list(&cut), both.copied().collect::<Vec<_>>());
            assert_eq!(cut.is_empty(), list(&cut).is_empty());
        }
    }
}
