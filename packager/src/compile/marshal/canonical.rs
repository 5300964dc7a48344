//! From a tree of marshal values to the one way to write it.
//!
//! [`merge`] comes first: it goes through the arena once, children before parents, and maps each node to the first
//! equal one, so that from then on "equal" is "same id". It replaces file names and settles the order of frozensets on
//! the way. Hash tables are only looked up in, never gone through. [`write`] then counts how often each object will be mentioned, and writes. What must hold for both is
//! argued in the essay of the module above. Neither recurses, and both take time proportional to the input (sorting
//! apart), whatever the sharing in it.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::value::{Arena, FLAG_REF, Node, NodeId, Tree};
use super::{Layout, MarshalError, Slot};

/// Merges equal constants and gives every code object the name `filename`. Nodes that nothing mentions any longer may
/// remain in the arena.
pub(super) fn merge<'a>(tree: Tree<'a>, layout: &'static Layout, filename: &'a str) -> Tree<'a> {
    let mut merger =
        Merger { layout, arena: Arena::default(), fixed_hash: Vec::new(), known: HashMap::new() };
    let filename = merger.constant(Node::Str(filename.as_bytes()));
    let mut new_ids: Vec<NodeId> = Vec::with_capacity(tree.arena.nodes.len());
    for mut node in tree.arena.nodes {
        for child in node.children_mut() {
            *child = new_ids[child.index()];
        }
        if let Node::Code(code) = &mut node {
            let fields = layout.slots().zip(&mut code.objects);
            fields.filter(|(slot, _)| *slot == Slot::Filename).for_each(|(_, field)| *field = filename);
        }
        if let Node::FrozenSet(items) | Node::Set(items) = &mut node {
            merger.settle_order(items);
        }
        new_ids.push(if has_identity(&node) { merger.push(node) } else { merger.constant(node) });
    }
    Tree { arena: merger.arena, root: new_ids[tree.root.index()] }
}

/// Whether a program could tell two equal objects of this kind apart.
fn has_identity(node: &Node) -> bool {
    match node {
        Node::List(_) | Node::Dict(_) | Node::Set(_) | Node::Code(_) => true,
        Node::Float(bits) => f64::from_bits(*bits).is_nan(),
        Node::Complex(real, imaginary) => {
            f64::from_bits(*real).is_nan() || f64::from_bits(*imaginary).is_nan()
        }
        _ => false,
    }
}

struct Merger<'a> {
    layout: &'static Layout,
    arena: Arena<'a>,
    /// By node: whether its hash is the same in every process.
    fixed_hash: Vec<bool>,
    /// Every node without identity.
    known: HashMap<Node<'a>, NodeId>,
}

impl<'a> Merger<'a> {
    fn constant(&mut self, node: Node<'a>) -> NodeId {
        if let Some(id) = self.known.get(&node) {
            return *id;
        }
        let id = self.push(node.clone());
        self.known.insert(node, id);
        id
    }

    fn push(&mut self, node: Node<'a>) -> NodeId {
        let fixed = match &node {
            Node::Float(_) | Node::Complex(..) => !has_identity(&node),
            Node::False | Node::True | Node::Int(_) | Node::Long { .. } => true,
            Node::None => self.layout.none_hash_is_fixed,
            Node::Tuple(items) => items.iter().all(|id| self.fixed_hash[id.index()]),
            _ => false,
        };
        self.fixed_hash.push(fixed);
        self.arena.push(node)
    }

    fn settle_order(&self, items: &mut [NodeId]) {
        if !items.iter().all(|id| self.fixed_hash[id.index()]) {
            items.sort_by(|a, b| self.compare(*a, *b));
        }
    }

    /// A total order of merged nodes that depends on their contents only. Since equal nodes are the same node, two
    /// containers of one length differ in some child, and the first such child decides: a walk down, no recursion.
    /// Objects with identity come last in the order of the input.
    fn compare(&self, mut a: NodeId, mut b: NodeId) -> Ordering {
        while a != b {
            let (left, right) = (self.arena.get(a), self.arena.get(b));
            let by_kind = rank(left).cmp(&rank(right));
            let by_content = match (left, right) {
                (Node::Int(left), Node::Int(right)) => left.cmp(right),
                (
                    Node::Long { negative, digits },
                    Node::Long { negative: other_negative, digits: other_digits },
                ) => (negative, digits).cmp(&(other_negative, other_digits)),
                (Node::Float(left), Node::Float(right)) => left.cmp(right),
                (Node::Complex(real, imaginary), Node::Complex(other_real, other_imaginary)) => {
                    (real, imaginary).cmp(&(other_real, other_imaginary))
                }
                (Node::Bytes(left), Node::Bytes(right)) | (Node::Str(left), Node::Str(right)) => {
                    left.cmp(right)
                }
                (Node::Tuple(left), Node::Tuple(right)) | (Node::FrozenSet(left), Node::FrozenSet(right)) => {
                    left.len().cmp(&right.len())
                }
                _ => Ordering::Equal,
            };
            let decided = by_kind.then(by_content);
            if decided.is_ne() {
                return decided;
            }
            let mut pairs = left.children().iter().zip(right.children());
            match pairs.find(|(left, right)| left != right) {
                Some((left, right)) if !has_identity(self.arena.get(a)) => (a, b) = (*left, *right),
                _ => return a.cmp(&b),
            }
        }
        Ordering::Equal
    }
}

fn rank(node: &Node) -> u8 {
    match node {
        Node::None => 0,
        Node::False => 1,
        Node::True => 2,
        Node::StopIteration => 3,
        Node::Ellipsis => 4,
        Node::Int(_) => 5,
        Node::Long { .. } => 6,
        Node::Float(_) => 7,
        Node::Complex(..) => 8,
        Node::Bytes(_) => 9,
        Node::Str(_) => 10,
        Node::Tuple(_) => 11,
        Node::FrozenSet(_) => 12,
        Node::List(_) => 13,
        Node::Dict(_) => 14,
        Node::Set(_) => 15,
        Node::Code(_) => 16,
    }
}

/// Writes a merged tree. `size_hint` is about how many bytes it will take.
pub(super) fn write(tree: &Tree, layout: &'static Layout, size_hint: usize) -> Result<Vec<u8>, MarshalError> {
    let mut writer = Writer {
        arena: &tree.arena,
        is_name: names(&tree.arena, layout),
        mentions: mentions(tree),
        reference: vec![None; tree.arena.nodes.len()],
        next_reference: 0,
        out: Vec::with_capacity(size_hint),
    };
    let mut todo = vec![Piece::Object(tree.root)];
    while let Some(piece) = todo.pop() {
        match piece {
            Piece::Object(id) => writer.object(id, layout, &mut todo)?,
            Piece::Long(value) => writer.long(value),
            Piece::Null => writer.out.push(b'0'),
        }
    }
    Ok(writer.out)
}

/// By node: whether it stands in a name slot of a code object.
fn names(arena: &Arena, layout: &'static Layout) -> Vec<bool> {
    let mut is_name = vec![false; arena.nodes.len()];
    for node in &arena.nodes {
        let Node::Code(code) = node else { continue };
        for (slot, id) in layout.slots().zip(&code.objects) {
            match slot {
                Slot::Bytes(_) | Slot::Constants(_) => {}
                Slot::Name(_) | Slot::Filename => is_name[id.index()] = true,
                Slot::Names(_) => arena.get(*id).children().iter().for_each(|id| is_name[id.index()] = true),
            }
        }
    }
    is_name
}

/// By node: how often it will be mentioned when every object is written out only once.
fn mentions(tree: &Tree) -> Vec<u32> {
    let mut mentions = vec![0u32; tree.arena.nodes.len()];
    let mut todo = vec![tree.root];
    while let Some(id) = todo.pop() {
        let count = &mut mentions[id.index()];
        *count = count.saturating_add(1);
        if *count == 1 {
            todo.extend_from_slice(tree.arena.get(id).children());
        }
    }
    mentions
}

/// What is still to be written.
enum Piece {
    Object(NodeId),
    Long(u32),
    Null,
}

struct Writer<'t> {
    arena: &'t Arena<'t>,
    is_name: Vec<bool>,
    mentions: Vec<u32>,
    reference: Vec<Option<u32>>,
    next_reference: u32,
    out: Vec<u8>,
}

impl Writer<'_> {
    /// Writes a leaf, or the beginning of a container; what follows goes on top of `todo`, the next on top.
    fn object(
        &mut self,
        id: NodeId,
        layout: &'static Layout,
        todo: &mut Vec<Piece>,
    ) -> Result<(), MarshalError> {
        if let Some(index) = self.reference[id.index()] {
            self.out.push(b'r');
            self.long(index);
            return Ok(());
        }
        let node = self.arena.get(id);
        let mut flag = 0;
        if self.mentions[id.index()] > 1 && !is_singleton(node) {
            flag = FLAG_REF;
            self.reference[id.index()] = Some(self.next_reference);
            self.next_reference += 1;
        }
        match node {
            Node::None => self.out.push(b'N'),
            Node::False => self.out.push(b'F'),
            Node::True => self.out.push(b'T'),
            Node::StopIteration => self.out.push(b'S'),
            Node::Ellipsis => self.out.push(b'.'),
            Node::Int(value) => {
                self.out.push(b'i' | flag);
                self.long(value.cast_unsigned());
            }
            Node::Long { negative, digits } => self.integer(flag, *negative, digits)?,
            Node::Float(bits) => {
                self.out.push(b'g' | flag);
                self.out.extend_from_slice(&bits.to_le_bytes());
            }
            Node::Complex(real, imaginary) => {
                self.out.push(b'y' | flag);
                self.out.extend_from_slice(&real.to_le_bytes());
                self.out.extend_from_slice(&imaginary.to_le_bytes());
            }
            Node::Bytes(bytes) => {
                self.out.push(b's' | flag);
                self.size(bytes.len())?;
                self.out.extend_from_slice(bytes);
            }
            Node::Str(text) => {
                self.string(flag, text, self.is_name[id.index()] || is_all_name_chars(text))?;
            }
            Node::Tuple(items) => {
                if let Ok(count) = u8::try_from(items.len()) {
                    self.out.extend_from_slice(&[b')' | flag, count]);
                } else {
                    self.out.push(b'(' | flag);
                    self.size(items.len())?;
                }
            }
            Node::List(items) => self.head(b'[' | flag, items.len())?,
            Node::Set(items) => self.head(b'<' | flag, items.len())?,
            Node::FrozenSet(items) => self.head(b'>' | flag, items.len())?,
            Node::Dict(_) => {
                self.out.push(b'{' | flag);
                todo.push(Piece::Null);
            }
            Node::Code(code) => {
                self.out.push(b'c' | flag);
                code.integers.iter().for_each(|value| self.long(*value));
                let (before, after) =
                    code.objects.split_at_checked(layout.before_line.len()).unwrap_or_default();
                todo.extend(after.iter().rev().copied().map(Piece::Object));
                todo.push(Piece::Long(code.firstlineno));
                todo.extend(before.iter().rev().copied().map(Piece::Object));
                return Ok(());
            }
        }
        todo.extend(node.children().iter().rev().copied().map(Piece::Object));
        Ok(())
    }

    fn integer(&mut self, flag: u8, negative: bool, digits: &[u16]) -> Result<(), MarshalError> {
        let count = i32::try_from(digits.len()).map_err(|_| MarshalError::TooLarge { size: digits.len() })?;
        self.out.push(b'l' | flag);
        self.long((if negative { -count } else { count }).cast_unsigned());
        for digit in digits {
            self.out.extend_from_slice(&digit.to_le_bytes());
        }
        Ok(())
    }

    fn string(&mut self, flag: u8, text: &[u8], interned: bool) -> Result<(), MarshalError> {
        let code = match (text.is_ascii(), interned) {
            (true, true) => b'A',
            (true, false) => b'a',
            (false, true) => b't',
            (false, false) => b'u',
        };
        match u8::try_from(text.len()) {
            Ok(size) if text.is_ascii() => {
                let short = if interned { b'Z' } else { b'z' };
                self.out.extend_from_slice(&[short | flag, size]);
            }
            _ => self.head(code | flag, text.len())?,
        }
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn head(&mut self, code: u8, size: usize) -> Result<(), MarshalError> {
        self.out.push(code);
        self.size(size)
    }

    fn size(&mut self, size: usize) -> Result<(), MarshalError> {
        let value = i32::try_from(size).map_err(|_| MarshalError::TooLarge { size })?;
        self.long(value.cast_unsigned());
        Ok(())
    }

    fn long(&mut self, value: u32) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Objects that are the same everywhere and that the reader gives no reference index.
fn is_singleton(node: &Node) -> bool {
    matches!(node, Node::None | Node::False | Node::True | Node::StopIteration | Node::Ellipsis)
}

/// `all_name_chars` of `Objects/codeobject.c`; true of the empty string.
fn is_all_name_chars(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}
