//! Marshal values: an arena of nodes in which every child stands before its parents.
//!
//! A node holds a value, not the form it was written in: an integer is the same whichever of `i`, `I`, `l` held it, a
//! float is its bits, a string is its UTF-8 bytes (surrogates as the error handler `surrogatepass` writes them)
//! whichever of `t u a A z Z` held it. Bytes and strings are borrowed from the input.
//!
//! What must hold: a [`NodeId`] is used only with the arena that gave it, or one made from that by mapping all ids.

/// Set on a type code: the object takes the next reference index.
pub(super) const FLAG_REF: u8 = 0x80;

/// `MAX_MARSHAL_STACK_DEPTH` of CPython; it refuses to load what is deeper.
pub(super) const MAX_DEPTH: u16 = 2000;

/// Index of a node in its arena. Made only by the arena that it indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(u32);

impl NodeId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Node<'a> {
    None,
    False,
    True,
    StopIteration,
    Ellipsis,
    Int(i32),
    /// Outside the range of `i32`. Digits in base 2^15, least significant first, the last one not 0.
    Long {
        negative: bool,
        digits: Box<[u16]>,
    },
    /// Bits of the IEEE 754 double.
    Float(u64),
    Complex(u64, u64),
    Bytes(&'a [u8]),
    Str(&'a [u8]),
    Tuple(Box<[NodeId]>),
    List(Box<[NodeId]>),
    /// Key, value, key, value, …
    Dict(Box<[NodeId]>),
    Set(Box<[NodeId]>),
    FrozenSet(Box<[NodeId]>),
    Code(Box<Code>),
}

/// A code object, its fields in the order of the version's [`Layout`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Code {
    pub(super) integers: Box<[u32]>,
    pub(super) firstlineno: u32,
    pub(super) objects: Box<[NodeId]>,
}

impl Node<'_> {
    pub(super) fn from_i64(value: i64) -> Self {
        let mut rest = value.unsigned_abs();
        let mut digits = Vec::new();
        while rest != 0 {
            digits.push((rest & 0x7fff) as u16);
            rest >>= 15;
        }
        Self::from_digits(value < 0, digits.into())
    }

    /// An integer of digits in base 2^15, least significant first, the last one not 0.
    pub(super) fn from_digits(negative: bool, digits: Box<[u16]>) -> Self {
        if digits.len() <= 3 {
            let magnitude = digits.iter().rev().fold(0i64, |value, digit| (value << 15) | i64::from(*digit));
            if let Ok(value) = i32::try_from(if negative { -magnitude } else { magnitude }) {
                return Self::Int(value);
            }
        }
        Self::Long { negative, digits }
    }

    pub(super) fn children(&self) -> &[NodeId] {
        match self {
            Self::Tuple(items)
            | Self::List(items)
            | Self::Dict(items)
            | Self::Set(items)
            | Self::FrozenSet(items) => items,
            Self::Code(code) => &code.objects,
            _ => &[],
        }
    }

    pub(super) fn children_mut(&mut self) -> &mut [NodeId] {
        match self {
            Self::Tuple(items)
            | Self::List(items)
            | Self::Dict(items)
            | Self::Set(items)
            | Self::FrozenSet(items) => items,
            Self::Code(code) => &mut code.objects,
            _ => &mut [],
        }
    }
}

/// Nodes, each one after all its children.
#[derive(Debug, Default)]
pub(super) struct Arena<'a> {
    pub(super) nodes: Vec<Node<'a>>,
}

impl<'a> Arena<'a> {
    /// There are never more nodes than 32 bits can count: the reader refuses inputs above 2 GiB, a node costs a byte,
    /// and merging adds one.
    pub(super) fn push(&mut self, node: Node<'a>) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(node);
        id
    }

    pub(super) fn get(&self, id: NodeId) -> &Node<'a> {
        &self.nodes[id.index()]
    }
}

#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub(super) arena: Arena<'a>,
    /// Always a [`Node::Code`].
    pub(super) root: NodeId,
}

/// UTF-8 in which U+D800 to U+DFFF may stand, each as three bytes (error handler `surrogatepass`).
pub(super) fn is_surrogatepass_utf8(mut text: &[u8]) -> bool {
    loop {
        let Err(error) = str::from_utf8(text) else { return true };
        text = match text.get(error.valid_up_to()..) {
            Some([0xed, 0xa0..=0xbf, 0x80..=0xbf, rest @ ..]) => rest,
            _ => return false,
        };
    }
}
